//! Who is where: the entrants of a contest with their intervals and the bound, and mean ranks over contests with the critical difference.

use std::fmt::Write;

use walras_analysis::tournament::{Overall, Standing, Standings};
use walras_analysis::words::{Scale, capitalized, number, title};

use super::axis::{Axis, plain};
use super::canvas::{Align, GRID, INK, MUTED, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, fields, quoted};

const ROW: f64 = 26.0;

/// One figure of a contest, the best above; `None` where fewer than two entrants have a value.
pub(crate) fn figure(contest: &str, standings: &Standings) -> Option<Figure> {
    let metric = standings.metric;
    let rows: Vec<&Standing> = standings
        .rows
        .iter()
        .filter(|row| row.estimate.is_some())
        .collect();
    let means = rows.iter().filter_map(|row| row.estimate);
    let scale = Scale::of(metric, means.clone().map(|estimate| estimate.mean));
    if rows.len() < 2 {
        return None;
    }
    let bounds = rows.iter().filter_map(|row| row.bound);
    let ends = means.flat_map(|estimate| {
        let ends = estimate
            .interval
            .map_or([estimate.mean; 2], |interval| [interval.low, interval.high]);
        ends.into_iter()
    });
    let (low, high) = ends
        .chain(bounds)
        .map(|value| value * scale.factor)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let room = (high - low).max(high.abs() * 1e-3).max(1e-9) * 0.04;
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let ranks: Vec<String> = rows.iter().map(|row| rank(row)).collect();
    let left = widest(&names) + 14.0;
    let right = WIDTH - widest(&ranks) - 16.0;
    let label = match scale.unit {
        "" => title(metric).to_owned(),
        unit => format!("{}, {unit}", title(metric)),
    };
    #[allow(clippy::cast_precision_loss)]
    let height = 78.0 + ROW * rows.len() as f64;
    let heading = format!("{contest}: {}", title(metric));
    let svg = draw(WIDTH, height, &heading, |canvas| {
        let panel = Panel {
            left,
            right,
            top: 22.0,
            bottom: height - 46.0,
            // Linear scales end at round numbers; a logarithmic one is for values far apart.
            x: if low > 0.0 && high / low > 8.0 {
                Axis::log_to_ticks(&label, low, high, plain)
            } else {
                Axis::linear(&label, low - room, high + room)
            },
            y: Axis::rows(),
        };
        panel.frame(canvas);
        for (index, row) in rows.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 26.0 + ROW * (index as f64 + 0.5);
            canvas.text((left - 8.0, y), &row.name, Align::Right, INK);
            let x = |value: f64| panel.place(value * scale.factor, 0.0).0;
            if let Some(bound) = row.bound {
                let at = x(bound);
                canvas.line(&[(at, y - ROW * 0.32), (at, y + ROW * 0.32)], MUTED, 2.0);
                if let Some(estimate) = row.estimate {
                    canvas.line(&[(at, y), (x(estimate.mean), y)], GRID, 2.0);
                }
            }
            if let Some(estimate) = row.estimate {
                if let Some(interval) = estimate.interval {
                    let ends = [(x(interval.low), y), (x(interval.high), y)];
                    canvas.platform_line(&ends, row.entrant, 2.5);
                }
                canvas.platform_dot((x(estimate.mean), y), 4.5, row.entrant);
            }
            canvas.text((right + 10.0, y), &ranks[index], Align::Left, MUTED);
        }
    });
    let mut csv = format!(
        "policy,{},low,high,n,bound,first_rank,last_rank\n",
        metric.metric().name
    );
    for row in &rows {
        let estimate = row.estimate.as_ref().map(fields).unwrap_or_default();
        let bound = row.bound.map_or(String::new(), |bound| format!("{bound}"));
        let ranks = row.ranks.as_ref().map_or(",".to_owned(), |ranks| {
            format!("{},{}", ranks.start(), ranks.end())
        });
        writeln!(csv, "{},{estimate},{bound},{ranks}", quoted(&row.name))
            .expect("a string takes everything");
    }
    let bounded = if rows.iter().any(|row| row.bound.is_some()) {
        " The upright stroke is what no scheduler can beat."
    } else {
        ""
    };
    Some(Figure {
        name: "standings",
        title: capitalized(&heading),
        finding: format!("{}.", standings.finding()),
        reading: format!(
            "Each dot is the mean over {} replications with its 95 % interval, the best above. The ranks on the right are those that remain possible when all pairs are judged together.{bounded}",
            standings.replications
        ),
        svg,
        csv,
    })
}

fn rank(row: &Standing) -> String {
    row.ranks
        .as_ref()
        .map_or(String::new(), |ranks| match (ranks.start(), ranks.end()) {
            (first, last) if first == last => format!("rank {first}"),
            (first, last) => format!("ranks {first} to {last}"),
        })
}

/// Mean ranks over contests on one scale, with the difference that is critical.
pub(crate) fn ranks(overall: &Overall) -> Figure {
    let ranking = &overall.ranking;
    let names: Vec<String> = overall.rows.iter().map(|(name, _)| name.clone()).collect();
    let left = widest(&names) + 14.0;
    let shown: Vec<String> = overall
        .rows
        .iter()
        .map(|(_, rank)| number(*rank, 2))
        .collect();
    let right = WIDTH - widest(&shown) - 16.0;
    #[allow(clippy::cast_precision_loss)]
    let (count, height) = (names.len() as f64, 78.0 + ROW * (names.len() as f64 + 1.0));
    let heading = format!("Mean ranks over contests: {}", title(overall.metric));
    let best = overall.rows[0].1;
    let svg = draw(WIDTH, height, &heading, |canvas| {
        let panel = Panel {
            left,
            right,
            top: 22.0,
            bottom: height - 46.0,
            x: Axis::linear("mean rank, 1 is best", 0.8, count + 0.2),
            y: Axis::rows(),
        };
        panel.frame(canvas);
        let x = |value: f64| panel.place(value, 0.0).0;
        let y = 26.0 + ROW * 0.5;
        let reach = (best + ranking.critical_difference).min(count + 0.2);
        canvas.text((left - 8.0, y), "not clearly behind", Align::Right, MUTED);
        canvas.line(&[(x(best), y), (x(reach), y)], MUTED, 4.0);
        for (index, (name, rank)) in overall.rows.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 26.0 + ROW * (index as f64 + 1.5);
            canvas.text((left - 8.0, y), name, Align::Right, INK);
            canvas.line(&[(x(1.0), y), (x(*rank), y)], GRID, 2.0);
            canvas.platform_dot((x(*rank), y), 4.5, 0);
            canvas.text((right + 10.0, y), &shown[index], Align::Left, INK);
        }
    });
    let mut csv = "policy,mean_rank\n".to_owned();
    for (name, rank) in &overall.rows {
        writeln!(csv, "{},{rank}", quoted(name)).expect("a string takes everything");
    }
    let behind = overall
        .rows
        .iter()
        .filter(|(_, rank)| rank - best > ranking.critical_difference)
        .count();
    Figure {
        name: "mean-ranks",
        title: heading,
        finding: match behind {
            0 => "Nobody is clearly behind the first.".to_owned(),
            behind => format!(
                "{} is clearly ahead of {behind} of {} others.",
                names[0],
                names.len() - 1
            ),
        },
        reading: format!(
            "In each contest the best mean has rank 1; the dots are means over {} contests. Whoever is further from the first than the bar reaches ({}) is clearly behind it (Nemenyi, 95 %).",
            ranking.blocks,
            number(ranking.critical_difference, 2)
        ),
        svg,
        csv,
    }
}
