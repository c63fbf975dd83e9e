//! Crossings: where along an axis another platform becomes the better one, in a sentence each.

use std::cmp::Ordering;

use walras_sim::record::{Better, MetricId};

use crate::compare::Comparison;
use crate::words::{Tone, capitalized, directions, title};

use super::{Swept, names};

/// What `metric` does along `axis`, for each platform against the baseline. Slices of a sweep with several axes that say
/// the same are told together.
#[must_use]
pub fn crossings(swept: &Swept<'_>, metric: MetricId, axis: usize) -> Vec<String> {
    let Some((_, first)) = swept.finished().next() else {
        return Vec::new();
    };
    // One replication cannot tell what is clear.
    if first.replications < 2 {
        return Vec::new();
    }
    let pairs = first.entries.iter().filter_map(|entry| {
        Some((
            entry.name.as_str(),
            first.entries[entry.against?].name.as_str(),
        ))
    });
    let mut sentences = Vec::new();
    for pair in pairs {
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for slice in slices(swept, axis) {
            let Some(text) = along(swept, metric, pair, axis, &slice) else {
                continue;
            };
            let place = elsewhere(swept, axis, &slice);
            match told.iter_mut().find(|(same, _)| *same == text) {
                Some((_, places)) => places.push(place),
                None => told.push((text, vec![place])),
            }
        }
        let is_everywhere = told.len() == 1;
        for (text, places) in told {
            let place = match places.join("; ") {
                place if place.is_empty() || is_everywhere => String::new(),
                place => format!(" (at {place})"),
            };
            sentences.push(format!("{}: {text}{place}.", capitalized(title(metric))));
        }
    }
    sentences
}

/// The points that differ along `axis` alone: one set of indices for each slice, with zero for the axis itself.
#[must_use]
pub fn slices(swept: &Swept<'_>, axis: usize) -> Vec<Vec<usize>> {
    let points = swept.sweep.points.iter().map(|point| &point.at);
    points.filter(|at| at[axis] == 0).cloned().collect()
}

/// The values of the other axes, as in `nodes = 100, take_rate = 5 %`.
#[must_use]
pub fn elsewhere(swept: &Swept<'_>, axis: usize, slice: &[usize]) -> String {
    let all = &swept.sweep.axes;
    let others = names(all)
        .into_iter()
        .enumerate()
        .filter(|(other, _)| *other != axis);
    let shown = others.map(|(other, name)| format!("{name} = {}", all[other].values[slice[other]]));
    shown.collect::<Vec<_>>().join(", ")
}

/// The indices of the values of an axis, from small to large if they are numbers, and otherwise as they are written.
#[must_use]
pub fn ascending(swept: &Swept<'_>, axis: usize) -> Vec<usize> {
    let axis = &swept.sweep.axes[axis];
    let mut order: Vec<usize> = (0..axis.values.len()).collect();
    if let Some((numbers, _)) = axis.numbers() {
        order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    }
    order
}

/// What `metric` of the platform `name` does against `baseline` along `axis`.
fn along(
    swept: &Swept<'_>,
    metric: MetricId,
    (name, baseline): (&str, &str),
    axis: usize,
    slice: &[usize],
) -> Option<String> {
    let values = &swept.sweep.axes[axis].values;
    let mut at = slice.to_vec();
    let mut states = Vec::new();
    for index in ascending(swept, axis) {
        at[axis] = index;
        if let Some(state) = swept
            .at(&at)
            .and_then(|point| state(point, metric, name, baseline))
        {
            states.push((values[index].as_str(), state));
        }
    }
    let is_ordered = swept.sweep.axes[axis].numbers().is_some();
    let axis = &names(&swept.sweep.axes)[axis];
    (states.len() > 1).then(|| said(metric, (name, baseline), (axis, is_ordered), &states))
}

/// A value of an axis, and how a platform stands to its baseline there: clearly less, clearly more, or neither.
type State<'v> = (&'v str, Ordering);

/// What `states` along an axis say, of at least two values; one between others means something only where they are numbers.
fn said(
    metric: MetricId,
    (name, baseline): (&str, &str),
    (axis, is_ordered): (&str, bool),
    states: &[State<'_>],
) -> String {
    let (less, more) = directions(metric);
    let word = |state: Ordering| if state == Ordering::Less { less } else { more };
    let verb = match metric {
        MetricId::Energy | MetricId::ActiveEnergy => "uses",
        MetricId::WastedTokens => "loses",
        _ if less == "fewer" => "has",
        _ => "is",
    };
    let clear: Vec<State<'_>> = states
        .iter()
        .filter(|(_, state)| *state != Ordering::Equal)
        .copied()
        .collect();
    let changes: Vec<_> = clear
        .windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .collect();
    let where_it_is = |state: Ordering| {
        let such = clear.iter().filter(|(_, other)| *other == state);
        such.map(|(value, _)| *value).collect::<Vec<_>>().join(", ")
    };
    match (clear.first(), changes.as_slice()) {
        (Some((_, first)), [_, ..]) if !is_ordered => {
            let rest = if clear.len() == states.len() {
                ""
            } else {
                ", without a clear difference elsewhere"
            };
            format!(
                "{name} {verb} {} than {baseline} at {axis} = {} and {} at {}{rest}",
                word(*first),
                where_it_is(*first),
                word(first.reverse()),
                where_it_is(first.reverse()),
            )
        }
        (None, _) => format!("{name} and {baseline} do not clearly differ at any value of {axis}"),
        (Some((_, state)), []) => {
            let range = if clear.len() == states.len() {
                format!("at every value of {axis}")
            } else {
                let shown = where_it_is(*state);
                format!("at {axis} = {shown}, without a clear difference elsewhere")
            };
            format!("{name} {verb} {} than {baseline} {range}", word(*state))
        }
        (_, [change]) => {
            let [(last, before), (first, after)] = [change[0], change[1]];
            let is_between = |(value, _): &&State<'_>| *value != last && *value != first;
            let from = states.iter().skip_while(|(value, _)| *value != last);
            let unclear: Vec<&str> = from
                .take_while(|(value, _)| *value != first)
                .filter(is_between)
                .map(|(value, _)| *value)
                .collect();
            let between = match unclear.as_slice() {
                [] => String::new(),
                values => format!(", without a clear difference at {}", values.join(", ")),
            };
            format!(
                "{name} {verb} {} than {baseline} up to {axis} = {last} and {} from {first} on{between}",
                word(before),
                word(after)
            )
        }
        (Some((_, state)), changes) => {
            let places: Vec<String> = changes
                .iter()
                .map(|change| {
                    format!(
                        "{} between {} and {}",
                        word(change[1].1),
                        change[0].0,
                        change[1].0
                    )
                })
                .collect();
            format!(
                "along {axis}, {name} {verb} at first {} than {baseline}, then {}",
                word(*state),
                places.join(", ")
            )
        }
    }
}

/// Whether a platform is clearly below or above its baseline; equal where that is not clear, or where it leads only
/// because it turns requests away.
fn state(point: &Comparison, metric: MetricId, name: &str, baseline: &str) -> Option<Ordering> {
    let index = point.entries.iter().position(|entry| entry.name == name)?;
    if point.entries[point.entries[index].against?].name != baseline {
        return None;
    }
    let difference = point.cell(metric, index)?.difference?;
    let is_lead = match point.said(metric, index)?.tone {
        Tone::Better | Tone::Worse => true,
        Tone::Neutral => metric.metric().better == Better::Neither,
        Tone::Unclear => false,
    };
    let is_less = match difference.relative() {
        Some(ratio) => ratio.mean < 1.0,
        None => difference.difference.mean < 0.0,
    };
    Some(match (is_lead, is_less) {
        (false, _) => Ordering::Equal,
        (true, true) => Ordering::Less,
        (true, false) => Ordering::Greater,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering::{Equal as Same, Greater as More, Less};

    fn check(metric: MetricId, states: &[Ordering], expect: &str) {
        let values = ["1", "2", "5", "10"];
        let states: Vec<State<'_>> = values.into_iter().zip(states.iter().copied()).collect();
        let found = said(metric, ("depin", "cloud"), ("load", true), &states);
        assert_eq!(found, expect);
    }

    #[test]
    fn what_has_no_order_is_told_value_by_value() {
        let cost = MetricId::CostPerMillion;
        let check = |states: &[State<'_>], expect: &str| {
            let found = said(cost, ("depin", "cloud"), ("model", false), states);
            assert_eq!(found, expect);
        };
        check(
            &[("a", Less), ("b", More), ("c", Same), ("d", Less)],
            "depin is cheaper than cloud at model = a, d and dearer at b, without a clear difference elsewhere",
        );
        check(
            &[("a", More), ("b", More)],
            "depin is dearer than cloud at every value of model",
        );
    }

    #[test]
    fn a_change_lies_between_the_last_and_the_first_clear_value() {
        let cost = MetricId::CostPerMillion;
        for (states, expect) in [
            (
                &[Less, Less, Less][..],
                "depin is cheaper than cloud at every value of load",
            ),
            (
                &[Less, Less, More],
                "depin is cheaper than cloud up to load = 2 and dearer from 5 on",
            ),
            (
                &[More, Same, Same, Less],
                "depin is dearer than cloud up to load = 1 and cheaper from 10 on, without a clear difference at 2, 5",
            ),
            (
                &[Same, Same],
                "depin and cloud do not clearly differ at any value of load",
            ),
            (
                &[Same, More, Same, More],
                "depin is dearer than cloud at load = 2, 10, without a clear difference elsewhere",
            ),
            (
                &[Less, More, Same, Less],
                "along load, depin is at first cheaper than cloud, then dearer between 1 and 2, cheaper between 2 and 10",
            ),
        ] {
            check(cost, states, expect);
        }
        check(
            MetricId::Energy,
            &[More, Less],
            "depin uses more than cloud up to load = 1 and less from 2 on",
        );
    }
}
