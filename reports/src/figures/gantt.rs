//! A Gantt chart: nodes by time, with what each of them did when, and when it was away.

use std::fmt::Write;

use walras_analysis::timeline::{Kept, Outcome, SimTime};
use walras_analysis::words::percent;

use super::axis::Axis;
use super::canvas::{Align, Canvas, GRID, INK, MUTED, Place, color, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, quoted};

/// Nodes of one chart at most.
pub const MOST: usize = 60;
/// What nodes do, with colours of the palette of platforms.
const KINDS: [(&str, usize); 5] = [
    ("waiting", 4),
    ("prefill", 1),
    ("decode", 0),
    ("lost work", 3),
    ("running", 2),
];
const WAITING: usize = 0;
const LOST: usize = 3;
/// Stretches of the same kind that are nearer than this share of the window are drawn as one: a pixel of paper or of a screen.
const NEAR: f64 = 1.0 / 2_000.0;

/// What the chosen nodes did in a window of time; `names` are those of all nodes, by number.
#[must_use]
pub fn figure(
    title: &str,
    kept: &Kept,
    names: &[String],
    chosen: &[u32],
    (from, to): (SimTime, SimTime),
) -> Figure {
    let bars = bars(kept, chosen, (from, to));
    let labels: Vec<String> = chosen
        .iter()
        .map(|node| {
            let name = names.get(*node as usize).map_or("", String::as_str);
            format!("{node} {name}")
        })
        .collect();
    let row = (900.0 / chosen.len().max(1) as f64).clamp(11.0, 22.0);
    let left = widest(&labels) + 14.0;
    #[allow(clippy::cast_precision_loss)]
    let height = 84.0 + row * chosen.len() as f64;
    let (unit, per) = scale((to - from).as_secs_f64());
    let time = |at: SimTime| (at - SimTime::ZERO).as_secs_f64() / per;
    let svg = draw(WIDTH, height, title, |canvas| {
        let panel = Panel {
            left,
            right: WIDTH - 16.0,
            top: 36.0,
            bottom: height - 46.0,
            x: Axis::between(&format!("simulated time, {unit}"), time(from), time(to)),
            y: Axis::rows(),
        };
        panel.frame(canvas);
        key(canvas, &bars, (left, 14.0));
        for (index, label) in labels.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = panel.top + row * (index as f64 + 0.5);
            canvas.text((left - 8.0, y), label, Align::Right, INK);
            canvas.line(&[(left, y), (panel.right, y)], GRID, 1.0);
        }
        for bar in &merged(bars.clone(), (to - from).as_secs_f64() * NEAR) {
            #[allow(clippy::cast_precision_loss)]
            let top = panel.top + row * bar.row as f64;
            let x = |at: SimTime| panel.place(time(at), 0.0).0;
            // A node with several jobs at a time shares its row among their lanes.
            #[allow(clippy::cast_precision_loss)]
            let share = (row - 2.0) / bar.lanes as f64;
            #[allow(clippy::cast_precision_loss)]
            let y = top + 1.0 + share * bar.lane as f64;
            let (start, end) = (x(bar.from), x(bar.to).max(x(bar.from) + 0.4));
            match bar.kind {
                None => canvas.bar((start, top + 1.0), (end, top + row - 1.0), MUTED, 0.35),
                Some(kind) => {
                    let (_, hue) = KINDS[kind];
                    canvas.bar((start, y), (end, y + share), color(hue), 0.9);
                }
            }
        }
    });
    let mut csv = "node,name,what,from_s,to_s\n".to_owned();
    for bar in &bars {
        let what = bar.kind.map_or("away", |kind| KINDS[kind].0);
        let node = chosen[bar.row];
        let name = names.get(node as usize).map_or("", String::as_str);
        let seconds = |at: SimTime| (at - SimTime::ZERO).as_secs_f64();
        writeln!(
            csv,
            "{node},{},{what},{},{}",
            quoted(name),
            seconds(bar.from),
            seconds(bar.to)
        )
        .expect("a string takes everything");
    }
    Figure {
        name: "gantt",
        title: title.to_owned(),
        finding: finding(&bars, chosen, (from, to)),
        reading: reading(&bars).to_owned(),
        svg,
        csv,
    }
}

/// How to read it: of batch jobs there is only that they run.
fn reading(bars: &[Bar]) -> &'static str {
    let is_only_running = |bar: &Bar| {
        bar.kind
            .is_none_or(|kind| KINDS[kind].0 == "running" || kind == LOST)
    };
    if bars.iter().all(is_only_running) {
        "Each row is a node, tasks at the same time in lanes; colours tell work that counted from work that was lost because the node left, and grey is time in which it was away."
    } else {
        "Each row is a node. Colours tell what it does with its jobs, jobs at the same time in lanes: waiting in its queue, prefilling, decoding (running, where the window ends before the first token is known), and work that was lost because the node left; grey is time in which it was away."
    }
}

/// A stretch of a row.
#[derive(Clone, Copy)]
struct Bar {
    row: usize,
    lane: usize,
    lanes: usize,
    /// Index into [`KINDS`]; `None` where the node is away.
    kind: Option<usize>,
    from: SimTime,
    to: SimTime,
}

/// What is drawn, away times first.
fn bars(kept: &Kept, chosen: &[u32], (from, to): (SimTime, SimTime)) -> Vec<Bar> {
    let row_of = |node: u32| chosen.iter().position(|other| *other == node);
    let clip = |a: SimTime, b: SimTime| {
        let (a, b) = (a.max(from), b.min(to));
        (a < b).then_some((a, b))
    };
    let mut bars = Vec::new();
    for (row, node) in chosen.iter().enumerate() {
        let mut stays: Vec<(SimTime, SimTime)> = kept
            .up
            .iter()
            .filter(|(other, _, _)| other == node)
            .map(|(_, from, to)| (*from, *to))
            .collect();
        stays.sort_unstable();
        let mut since = from;
        for (up, down) in stays.into_iter().chain([(to, to)]) {
            if let Some((from, to)) = clip(since, up) {
                bars.push(Bar {
                    row,
                    lane: 0,
                    lanes: 1,
                    kind: None,
                    from,
                    to,
                });
            }
            since = since.max(down);
        }
    }
    let visits = || kept.lives.iter().flat_map(|life| &life.visits);
    let mut lanes = vec![1; chosen.len()];
    for visit in visits() {
        let is_seen = visit
            .stay
            .is_some_and(|(from, to)| clip(from, to).is_some());
        if let Some(row) = row_of(visit.node).filter(|_| is_seen) {
            lanes[row] = lanes[row].max(visit.lane + 1);
        }
    }
    for visit in visits() {
        let Some(row) = row_of(visit.node) else {
            continue;
        };
        for phase in &visit.phases {
            let Some((from, to)) = clip(phase.from, phase.to) else {
                continue;
            };
            let kind = match (visit.outcome, phase.name) {
                (Outcome::Lost(_), _) => LOST,
                (_, "queue" | "preempted") => WAITING,
                (_, "prefill") => 1,
                (_, "decode") => 2,
                _ => 4,
            };
            bars.push(Bar {
                row,
                lane: visit.lane,
                lanes: lanes[row],
                kind: Some(kind),
                from,
                to,
            });
        }
    }
    bars
}

/// How busy the nodes were, and the busiest of them.
fn finding(bars: &[Bar], chosen: &[u32], (from, to): (SimTime, SimTime)) -> String {
    let length = (to - from).as_secs_f64();
    // Time at work: lanes of a node overlap.
    let busy = |row: usize| {
        let mut parts: Vec<(SimTime, SimTime)> = bars
            .iter()
            .filter(|bar| bar.row == row && bar.kind.is_some_and(|kind| kind != WAITING))
            .map(|bar| (bar.from, bar.to))
            .collect();
        parts.sort_unstable();
        let (mut total, mut end) = (0.0, from);
        for (start, stop) in parts {
            let start = start.max(end);
            if stop > start {
                total += (stop - start).as_secs_f64();
                end = stop;
            }
        }
        total / length
    };
    let away: f64 = bars
        .iter()
        .filter(|bar| bar.kind.is_none())
        .map(|bar| (bar.to - bar.from).as_secs_f64() / length)
        .sum();
    let all: Vec<f64> = (0..chosen.len()).map(busy).collect();
    let busiest = (0..all.len()).max_by(|a, b| all[*a].total_cmp(&all[*b]));
    let Some(busiest) = busiest else {
        return "There are no nodes.".to_owned();
    };
    #[allow(clippy::cast_precision_loss)]
    let count = chosen.len() as f64;
    let lost = bars.iter().filter(|bar| bar.kind == Some(LOST)).count();
    let lost = if lost > 0 { " Work was lost." } else { "" };
    format!(
        "The {} nodes work {} of the time and are away {} of it; node {} works most, {}.{lost}",
        chosen.len(),
        percent(all.iter().sum::<f64>() / count),
        percent(away / count),
        chosen[busiest],
        percent(all[busiest])
    )
}

/// The colours that occur, and what they mean.
fn key(canvas: &Canvas<'_>, bars: &[Bar], (left, y): Place) {
    let mut x = left;
    let mut sample = |hue, opacity, meaning| {
        canvas.bar((x, y - 5.0), (x + 14.0, y + 5.0), hue, opacity);
        canvas.text((x + 20.0, y), meaning, Align::Left, INK);
        x += 96.0;
    };
    for (kind, (meaning, hue)) in KINDS.into_iter().enumerate() {
        if bars.iter().any(|bar| bar.kind == Some(kind)) {
            sample(color(hue), 0.9, meaning);
        }
    }
    if bars.iter().any(|bar| bar.kind.is_none()) {
        sample(MUTED, 0.35, "away");
    }
}

/// `bars` in order, those of one kind that nearly touch as one.
fn merged(mut bars: Vec<Bar>, near: f64) -> Vec<Bar> {
    bars.sort_by_key(|bar| (bar.row, bar.kind.is_some(), bar.lane, bar.from));
    let mut kept: Vec<Bar> = Vec::with_capacity(bars.len());
    for bar in bars {
        if let Some(last) = kept.last_mut()
            && (last.row, last.lane, last.kind) == (bar.row, bar.lane, bar.kind)
            && bar.from >= last.to
            && (bar.from - last.to).as_secs_f64() < near
        {
            last.to = bar.to;
        } else {
            kept.push(bar);
        }
    }
    kept
}

/// The unit in which a window of this length is told, and its seconds.
fn scale(length: f64) -> (&'static str, f64) {
    match length {
        seconds if seconds <= 300.0 => ("s", 1.0),
        seconds if seconds <= 3.0 * 3600.0 => ("min", 60.0),
        _ => ("h", 3600.0),
    }
}
