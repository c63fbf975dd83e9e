//! `walras why`: the story of one job, with what the policy knew at each step.

mod batch;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use walras_scenarios::condition::count;
use walras_scenarios::story::{self, Chapter, Story, Wanted};
use walras_scenarios::witness::{Candidate, Choice, Decision, Ordered};
use walras_scenarios::{Plan, SimTime};
use walras_sim::ids::{NodeId, RegionId};
use walras_sim::platform::Platform;
use walras_sim::record::{Fate, JobRow};

use crate::args::WhyArgs;
use crate::target::Target;
use crate::{BadInput, STOP, print};

const WIDTH: usize = 80;
/// Width of the times at the left, with what follows them.
const MARGIN: usize = 14;

/// Tells the story that the arguments ask for.
pub fn why(args: &WhyArgs) -> anyhow::Result<ExitCode> {
    let wanted = wanted(&args.job)?;
    let target = Target::with_jobs(&args.target)?;
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let stop = || STOP.load(Ordering::Relaxed);
    let (plan, platform, replication) =
        (&target.scenario.plan, target.platform, target.replication);
    let serial = story::find(plan, platform, replication, wanted, &stop);
    if let Some(jobs) = plan.batch() {
        let story = serial.and_then(|serial| {
            story::batch::story(plan, jobs, platform, replication, serial, &stop)
        });
        if stop() {
            return Ok(ExitCode::from(130));
        }
        let story = story.ok_or_else(|| missing(wanted, &args.job))?;
        return if args.json {
            print(&format!("{:#}\n", batch::object(&story, &target)))
        } else {
            print(&batch::text(&story, &target))
        };
    }
    let story = serial.and_then(|serial| story::story(plan, platform, replication, serial, &stop));
    if stop() {
        return Ok(ExitCode::from(130));
    }
    let story = story.ok_or_else(|| missing(wanted, &args.job))?;
    let teller = Teller {
        plan,
        platform: &plan.expect_requests().platforms[platform],
        start: story.card.submitted,
    };
    if args.json {
        return print(&format!("{:#}\n", teller.object(&story, &target)));
    }
    print(&teller.text(&story, &target))
}

/// That the run has no such job.
fn missing(wanted: Wanted, asked: &str) -> anyhow::Error {
    BadInput::error(match wanted {
        Wanted::Number(number) => format!(
            "no job {number} was submitted in this run\n  help: jobs are numbered from 0 in the order of submission; `slowest` is one that there is"
        ),
        _ => format!(
            "no job of this run is `{asked}`\n  help: give the number of a job, or `slowest`"
        ),
    })
}

fn wanted(text: &str) -> anyhow::Result<Wanted> {
    let number = text.replace(',', "").parse().map(Wanted::Number);
    match (number, text) {
        (Ok(number), _) => Ok(number),
        (_, "slowest") => Ok(Wanted::Slowest),
        (_, "retried") => Ok(Wanted::Retried),
        (_, "failed") => Ok(Wanted::Failed),
        (_, "rejected") => Ok(Wanted::Rejected),
        _ => Err(BadInput::error(format!(
            "expected the number of a job, found `{text}`\n  help: such as 17; or `slowest`, or the first that was `retried`, `failed` or `rejected`"
        ))),
    }
}

/// Tells stories of one run.
struct Teller<'a> {
    plan: &'a Plan,
    platform: &'a Platform,
    /// When the job was submitted.
    start: SimTime,
}

impl Teller<'_> {
    fn text(&self, story: &Story, target: &Target) -> String {
        let card = story.card;
        let mut text = format!("job {} on {}\n\n", count(story.serial), target.heading());
        let limit = card.limit.map_or(String::new(), |limit| {
            format!(", pays at most {} USD", usd(limit))
        });
        let actual = story.end.map_or(String::new(), |row| {
            format!(" (it is {}, which no policy knows)", row.output_tokens)
        });
        self.line(
            &mut text,
            card.submitted,
            &format!(
                "submitted at {} from {}: {} prompt tokens, an answer of {} expected{actual}{limit}",
                card.submitted,
                self.region(card.origin),
                card.prompt_tokens,
                card.output_estimate
            ),
        );
        let mut attempts = 0;
        for (at, chapter) in &story.chapters {
            match chapter {
                Chapter::Decided(decision) => {
                    self.decision(&mut text, decision, &mut attempts);
                }
                Chapter::Reached(node, others) => {
                    let company = match others {
                        0 => "idle until then".to_owned(),
                        1 => "where 1 other job is".to_owned(),
                        others => format!("where {others} other jobs are"),
                    };
                    self.line(
                        &mut text,
                        *at,
                        &format!("reaches node {}, {company}", node.0),
                    );
                }
                Chapter::Missed(node) => self.line(
                    &mut text,
                    *at,
                    &format!("comes to node {}, which has left meanwhile", node.0),
                ),
                Chapter::NodeLeft(node) => self.line(
                    &mut text,
                    *at,
                    &format!(
                        "node {} leaves, and the dispatcher does not know yet",
                        node.0
                    ),
                ),
                Chapter::Lost => self.line(
                    &mut text,
                    *at,
                    &format!(
                        "taken for lost, after {} of silence",
                        self.platform.retry.detection
                    ),
                ),
                Chapter::FirstToken(after) => {
                    let predicted = predicted(story, *at);
                    let slo = self.plan.expect_requests().workload.slo.ttft;
                    let judged = if *after <= slo { "within" } else { "beyond" };
                    self.line(
                        &mut text,
                        *at,
                        &format!(
                            "first token at the customer, {} after submission: {judged} the objective of {slo}{predicted}",
                            seconds(after.as_secs_f64())
                        ),
                    );
                }
            }
        }
        match &story.end {
            Some(row) => self.line(&mut text, row.ended, &self.ending(row)),
            None => text += "\nunder way when the run ended\n",
        }
        text
    }

    fn ending(&self, row: &JobRow) -> String {
        match row.fate {
            Fate::Completed => {
                let pace = row.tpot.map_or(String::new(), |tpot| {
                    let slo = self.plan.expect_requests().workload.slo.tpot;
                    let judged = if tpot <= slo.as_secs_f64() {
                        "within"
                    } else {
                        "beyond"
                    };
                    format!(
                        ", {} per token after the first: {judged} the objective of {slo}",
                        seconds(tpot)
                    )
                });
                let paid = if row.paid > 0.0 {
                    format!("; paid {} USD", usd(row.paid))
                } else {
                    String::new()
                };
                format!("delivered: {} tokens{pace}{paid}", row.output_tokens)
            }
            Fate::Failed => format!(
                "given up: {} of {} permitted placements were lost",
                row.attempts, self.platform.retry.max_attempts
            ),
            Fate::Rejected => {
                "not served: turned away, or its customer's patience is at an end".to_owned()
            }
        }
    }

    /// One decision of the policy, with what it saw.
    fn decision(&self, text: &mut String, decision: &Decision, attempts: &mut u32) {
        let passed = match decision.passed {
            0 => String::new(),
            1 => ", passed over once before".to_owned(),
            passed => format!(", passed over {} times before", count(passed)),
        };
        let choice = &decision.choice;
        let said = match decision.order {
            Ordered::Placed(node) => {
                *attempts += 1;
                format!("placed on node {}, attempt {attempts}{passed}", node.0)
            }
            Ordered::Rejected => format!("turned away by the policy{passed}"),
            Ordered::Nothing => format!(
                "left to wait, with {} waiting",
                count(decision.waiting.into())
            ),
        };
        self.line(text, decision.at, &said);
        wrapped(text, &seen(choice));
        if choice.candidates.is_empty() {
            return;
        }
        let chosen = match decision.order {
            Ordered::Placed(node) => Some(node),
            _ => None,
        };
        let _ = writeln!(
            text,
            "{:MARGIN$}{:>7} {:<14} {:>4} {:>10} {:>9} {:>8} {:>7}",
            "", "node", "device", "jobs", "price USD", "1st token", "a token", "heard"
        );
        for candidate in &choice.candidates {
            let mark = if chosen == Some(candidate.node) {
                '>'
            } else {
                ' '
            };
            let device: String = candidate.device.chars().take(14).collect();
            let _ = writeln!(
                text,
                "{:>MARGIN$}{:>7} {device:<14} {:>4} {:>10} {:>9} {:>8} {:>7}",
                mark,
                candidate.node.0,
                candidate.outstanding,
                usd(candidate.price),
                seconds(candidate.ttft),
                seconds(candidate.tpot),
                ago(candidate.silent.as_secs_f64()),
            );
        }
        if let Some(candidate) = choice
            .candidates
            .iter()
            .find(|candidate| Some(candidate.node) == chosen)
        {
            wrapped(text, &standing(candidate, choice.eligible));
        }
    }

    fn region(&self, region: RegionId) -> &str {
        &self.platform.network.regions()[region.index()].name
    }

    /// What happened at a time, told since the submission.
    fn line(&self, text: &mut String, at: SimTime, said: &str) {
        let since = (at - self.start).as_secs_f64();
        let since = format!("+{}", seconds(since));
        for (index, line) in lines(said).into_iter().enumerate() {
            let lead = if index == 0 { since.as_str() } else { "" };
            let _ = writeln!(text, "{lead:>width$}  {line}", width = MARGIN - 2);
        }
    }

    /// The same as one JSON object.
    fn object(&self, story: &Story, target: &Target) -> Value {
        let card = story.card;
        let chapter = |(at, chapter): &(SimTime, Chapter)| {
            let at = (*at - SimTime::ZERO).as_secs_f64();
            match chapter {
                Chapter::Decided(decision) => self.decided(at, decision),
                Chapter::Reached(node, others) => {
                    json!({"at_s": at, "what": "reached", "node": node.0, "others": others})
                }
                Chapter::Missed(node) => json!({"at_s": at, "what": "missed", "node": node.0}),
                Chapter::NodeLeft(node) => json!({"at_s": at, "what": "node-left", "node": node.0}),
                Chapter::Lost => json!({"at_s": at, "what": "lost"}),
                Chapter::FirstToken(after) => {
                    json!({"at_s": at, "what": "first-token", "ttft_s": after.as_secs_f64()})
                }
            }
        };
        json!({
            "job": story.serial,
            "scenario": target.scenario.name,
            "platform": self.platform.name,
            "replication": target.replication,
            "seed": self.plan.seed,
            "submitted_s": (card.submitted - SimTime::ZERO).as_secs_f64(),
            "origin": self.region(card.origin),
            "prompt_tokens": card.prompt_tokens,
            "expected_output_tokens": card.output_estimate,
            "limit_usd": card.limit,
            "chapters": story.chapters.iter().map(chapter).collect::<Vec<_>>(),
            "end": story.end.map(|row| json!({
                "at_s": (row.ended - SimTime::ZERO).as_secs_f64(),
                "fate": match row.fate {
                    Fate::Completed => "completed",
                    Fate::Failed => "failed",
                    Fate::Rejected => "rejected",
                },
                "node": row.node.map(|node| node.0),
                "attempts": row.attempts,
                "output_tokens": row.output_tokens,
                "ttft_s": row.ttft,
                "tpot_s": row.tpot,
                "paid_usd": row.paid,
            })),
        })
    }

    fn decided(&self, at: f64, decision: &Decision) -> Value {
        let (order, node): (&str, Option<NodeId>) = match decision.order {
            Ordered::Placed(node) => ("placed", Some(node)),
            Ordered::Rejected => ("rejected", None),
            Ordered::Nothing => ("waits", None),
        };
        let choice = &decision.choice;
        let candidate = |candidate: &Candidate| {
            json!({
                "node": candidate.node.0,
                "device": candidate.device,
                "region": self.region(candidate.region),
                "outstanding": candidate.outstanding,
                "price_usd": candidate.price,
                "predicted_ttft_s": candidate.ttft,
                "predicted_tpot_s": candidate.tpot,
                "meets_slo": candidate.meets_slo,
                "observed_s_ago": candidate.silent.as_secs_f64(),
                "up_for_s": candidate.up_for.as_secs_f64(),
                "rank_by_outstanding": candidate.ranks.outstanding,
                "rank_by_price": candidate.ranks.price,
                "rank_by_ttft": candidate.ranks.ttft,
            })
        };
        json!({
            "at_s": at,
            "what": order,
            "node": node.map(|node| node.0),
            "passed_over": decision.passed,
            "waiting": decision.waiting,
            "up": choice.up,
            "eligible": choice.eligible,
            "full": choice.full,
            "unwilling": choice.unwilling,
            "too_small": choice.too_small,
            "too_dear": choice.too_dear,
            "candidates": choice.candidates.iter().map(candidate).collect::<Vec<_>>(),
        })
    }
}

/// How many nodes the policy saw, and why not all would do.
fn seen(choice: &Choice) -> String {
    let reasons = [
        (choice.full, "full"),
        (choice.unwilling, "unwilling at this price"),
        (choice.too_small, "too small"),
        (choice.too_dear, "too dear"),
    ];
    let others: Vec<String> = reasons
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, reason)| format!("{} {reason}", count(number.into())))
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("; {}", others.join(", "))
    };
    format!(
        "the policy saw {} nodes up, {} eligible{others}",
        count(choice.up.into()),
        count(choice.eligible.into())
    )
}

/// Where the chosen node stands among those that would do.
fn standing(chosen: &Candidate, eligible: u32) -> String {
    let promise = if chosen.meets_slo {
        "expected to meet both objectives"
    } else {
        "not expected to meet both objectives"
    };
    format!(
        "of {} eligible the chosen is number {} by jobs, {} by price, {} by predicted first token; {promise}",
        count(eligible.into()),
        chosen.ranks.outstanding,
        chosen.ranks.price,
        chosen.ranks.ttft
    )
}

/// What was predicted when the job was placed for the last time before `at`.
fn predicted(story: &Story, at: SimTime) -> String {
    let placed = story.chapters.iter().rev().find_map(|(time, chapter)| {
        let Chapter::Decided(decision) = chapter else {
            return None;
        };
        let Ordered::Placed(node) = decision.order else {
            return None;
        };
        let is_it = |candidate: &&Candidate| candidate.node == node;
        let chosen = decision.choice.candidates.iter().find(is_it)?;
        (*time <= at).then_some((*time, chosen.ttft))
    });
    placed.map_or(String::new(), |(time, predicted)| {
        format!(
            "; {} after it was placed, {} were predicted",
            seconds((at - time).as_secs_f64()),
            seconds(predicted)
        )
    })
}

/// A time of some milliseconds or seconds with three digits.
fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        0.0 => "0 s".to_owned(),
        value if value < 0.9995 => format!("{:.*} ms", digits(seconds * 1e3), seconds * 1e3),
        value if value < 999.5 => format!("{:.*} s", digits(seconds), seconds),
        _ => format!("{seconds:.0} s"),
    }
}

/// How long ago, in few letters.
fn ago(seconds: f64) -> String {
    match seconds {
        value if value < 60.0 => format!("{value:.1} s"),
        value if value < 3600.0 => format!("{:.0} min", value / 60.0),
        value => format!("{:.0} h", value / 3600.0),
    }
}

/// Decimals that show three digits.
fn digits(value: f64) -> usize {
    match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    }
}

/// A price with three digits.
fn usd(amount: f64) -> String {
    match amount {
        0.0 => "0".to_owned(),
        amount if amount < 1e-3 => format!("{amount:.2e}"),
        amount => format!("{amount:.5}"),
    }
}

/// Words beside the margin.
fn wrapped(text: &mut String, words: &str) {
    for line in lines(words) {
        let _ = writeln!(text, "{:MARGIN$}{line}", "");
    }
}

/// Words in lines that fit beside the margin.
fn lines(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - MARGIN => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
