//! The story of a batch job in words, and as an object.

use std::fmt::Write as _;

use serde_json::{Value, json};
use walras_scenarios::SimTime;
use walras_scenarios::condition::count;
use walras_scenarios::story::batch::{Deed, JobStory, Wait};

use super::{MARGIN, lines};
use crate::target::Target;

/// Tasks of a workflow whose chapters are told one by one.
const TOLD: usize = 60;

/// The story in lines.
pub(super) fn text(story: &JobStory, target: &Target) -> String {
    let mut text = format!("job {} on {}\n\n", count(story.serial), target.heading());
    let tasks = match story.tasks {
        1 => String::new(),
        several => format!(", {} tasks", count(several.into())),
    };
    let deadline = story
        .deadline
        .map_or(String::new(), |by| format!(", due at {by}"));
    let ahead = match story.ahead {
        0 => "nothing waited".to_owned(),
        1 => "1 task waited already".to_owned(),
        many => format!("{} tasks waited already", count(many as u64)),
    };
    let said = format!(
        "submitted at {} by user {}{tasks}{deadline}; {ahead}",
        story.submitted, story.user
    );
    line(&mut text, story, story.submitted, &said);
    for (at, deed) in story.chapters.iter().take(TOLD) {
        line(&mut text, story, *at, &told(deed, story.tasks));
    }
    if let Some(more) = story.chapters.len().checked_sub(TOLD + 1) {
        let _ = writeln!(text, "{:>MARGIN$}and {} more", "", count(more as u64 + 1));
    }
    let end = match &story.end {
        Some(row) => {
            let late = match row.is_in_time() {
                Some(false) => ", after its deadline",
                Some(true) => ", within its deadline",
                None => "",
            };
            let said = format!(
                "done{late}: {} after submission, {} of them waiting; {} at least on nodes of speed one, so its bounded slowdown is {:.2}",
                seconds(row.response()),
                seconds(row.wait()),
                seconds(row.least.as_secs_f64()),
                row.bounded_slowdown()
            );
            (row.ended, said)
        }
        None if story
            .chapters
            .iter()
            .any(|(_, deed)| *deed == Deed::Rejected) =>
        {
            return text;
        }
        None => {
            text.push_str("\nit was under way when the run ended\n");
            return text;
        }
    };
    line(&mut text, story, end.0, &end.1);
    text
}

fn told(deed: &Deed, tasks: u32) -> String {
    let name = |task: u32| {
        if tasks == 1 {
            "it".to_owned()
        } else {
            format!("task {task}")
        }
    };
    match deed {
        Deed::Started {
            task,
            nodes,
            estimate,
            wait,
        } => {
            let mut names: Vec<u32> = nodes.iter().map(|node| node.0).collect();
            names.sort_unstable();
            names.dedup();
            let shown: Vec<String> = names.iter().take(8).map(ToString::to_string).collect();
            let more = match names.len().checked_sub(9) {
                Some(more) => format!(" and {} more", more + 1),
                None => String::new(),
            };
            let nodes = if names.len() == 1 { "node" } else { "nodes" };
            let estimate = estimate.map_or(", for nobody knows how long".to_owned(), |length| {
                format!(
                    ", for {} as the manager thinks",
                    seconds(length.as_secs_f64())
                )
            });
            format!(
                "{} starts on {nodes} {}{more}{estimate}{}",
                name(*task),
                shown.join(", "),
                waited(wait)
            )
        }
        Deed::Preempted(task) => {
            format!(
                "{} is stopped by the scheduler, and keeps its progress",
                name(*task)
            )
        }
        Deed::Moved(task) => format!("{} is given other workers", name(*task)),
        Deed::Lost(task, work) => format!(
            "{} loses a node, and {} of worker time with it",
            name(*task),
            seconds(*work)
        ),
        Deed::Ended(task) => format!("{} ends", name(*task)),
        Deed::Rejected => "is turned away".to_owned(),
    }
}

fn waited(wait: &Wait) -> String {
    if wait.length == walras_scenarios::Span::ZERO {
        return ", at once".to_owned();
    }
    let times = |count_: u64| match count_ {
        1 => "once".to_owned(),
        many => format!("{} times", count(many)),
    };
    let chances = match (wait.asked, wait.had_room) {
        (0, _) => String::new(),
        (asked, 0) => format!(
            "; the scheduler was asked {} and it had no room",
            times(asked)
        ),
        (asked, room) => format!(
            "; the scheduler was asked {} and passed it over {} though it had room",
            times(asked),
            times(room)
        ),
    };
    let overtaken = match wait.overtaken {
        0 => String::new(),
        1 => "; 1 task of a later job started meanwhile".to_owned(),
        many => format!("; {} tasks of later jobs started meanwhile", count(many)),
    };
    format!(
        ", after waiting {}{chances}{overtaken}",
        seconds(wait.length.as_secs_f64())
    )
}

fn line(text: &mut String, story: &JobStory, at: SimTime, said: &str) {
    let since = format!("+{}", seconds((at - story.submitted).as_secs_f64()));
    for (index, line) in lines(said).into_iter().enumerate() {
        let lead = if index == 0 { since.as_str() } else { "" };
        let _ = writeln!(text, "{lead:>width$}  {line}", width = MARGIN - 2);
    }
}

/// The same as one JSON object.
pub(super) fn object(story: &JobStory, target: &Target) -> Value {
    let at = |time: SimTime| (time - SimTime::ZERO).as_secs_f64();
    let chapter = |(when, deed): &(SimTime, Deed)| match deed {
        Deed::Started {
            task,
            nodes,
            estimate,
            wait,
        } => json!({
            "at_s": at(*when),
            "what": "started",
            "task": task,
            "nodes": nodes.iter().map(|node| node.0).collect::<Vec<_>>(),
            "estimate_s": estimate.map(walras_scenarios::Span::as_secs_f64),
            "waited_s": wait.length.as_secs_f64(),
            "asked": wait.asked,
            "had_room": wait.had_room,
            "overtaken": wait.overtaken,
        }),
        Deed::Preempted(task) => json!({"at_s": at(*when), "what": "preempted", "task": task}),
        Deed::Moved(task) => json!({"at_s": at(*when), "what": "moved", "task": task}),
        Deed::Lost(task, work) => {
            json!({"at_s": at(*when), "what": "lost", "task": task, "work_s": work})
        }
        Deed::Ended(task) => json!({"at_s": at(*when), "what": "ended", "task": task}),
        Deed::Rejected => json!({"at_s": at(*when), "what": "rejected"}),
    };
    let plan = &target.scenario.plan;
    json!({
        "job": story.serial,
        "scenario": target.scenario.name,
        "platform": plan.names()[target.platform],
        "replication": target.replication,
        "seed": plan.seed,
        "submitted_s": at(story.submitted),
        "user": story.user,
        "tasks": story.tasks,
        "deadline_s": story.deadline.map(at),
        "ahead": story.ahead,
        "chapters": story.chapters.iter().map(chapter).collect::<Vec<_>>(),
        "end": story.end.map(|row| json!({
            "at_s": at(row.ended),
            "response_s": row.response(),
            "wait_s": row.wait(),
            "least_s": row.least.as_secs_f64(),
            "bounded_slowdown": row.bounded_slowdown(),
        })),
    })
}

/// A time that may be days.
fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        short if short < 600.0 => super::seconds(seconds),
        minutes if minutes < 10_800.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}
