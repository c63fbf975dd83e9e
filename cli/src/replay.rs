//! `walras replay`: one run simulated again, to a time or until a condition holds, and stepped through in the terminal.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use walras_analysis::experiment::Manifest;
use walras_analysis::store;
use walras_scenarios::condition::{self, Expression, Mistake, show};
use walras_scenarios::event_log::{EventLog, What};
use walras_scenarios::issue::suggestion;
use walras_scenarios::replay::{Divergence, Errand, Halt, Moment, Replay, Watch};
use walras_scenarios::{Plan, SimTime};
use walras_sim::world::inspect::{Field, Kind, Owner, Probe};

use crate::args::ReplayArgs;
use crate::events::line;
use crate::{BadInput, STOP, print, say, target};

/// Records that are kept to be shown.
const TRAIL: usize = 100;
/// Of these, shown on arrival.
const SHOWN: usize = 5;
const WIDTH: usize = 80;

const HELP: &str = "\
step [N], s            handle the next event, or N of them; also an empty line
back [N], b            undo the last event, or N of them, by running again
continue [until C], c  run on until C, or the last condition, becomes true
goto TIME, g           go to a simulated time such as 3h, back or forth
goto #N, g             go to the state after event number N
print [WHAT], p        an expression, node[17] or job[5]; or else the totals
watch X, w             report every change of expression X from here on
unwatch                end all watches
trail [N], t           the last N things that happened
agenda [N], a          the next N things that are scheduled
fields, f              the names that expressions know
help, h                this
quit, q                the end
";

/// Replays what the arguments ask for.
pub fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    if args.fields {
        return print(&fields());
    }
    let manifest = store::manifest(&args.run).map_err(BadInput::error)?;
    let mut scenario = target::recorded(&args.run, &manifest)?;
    scenario.name.clone_from(&manifest.scenario);
    target::of_requests(&scenario, "`walras replay`")?;
    let platform = target::platform(args.platform.as_deref(), &manifest.platforms)?;
    let name = &manifest.platforms[platform];
    let mut session = Session::new(args, &manifest, &scenario.plan, platform, name)?;
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    session.begin(args)?;
    if !args.batch {
        session.converse()?;
    }
    Ok(session.code)
}

/// A replay, with what the user looks at.
struct Session<'a> {
    replay: Replay<'a>,
    has_log: bool,
    until: Option<Expression>,
    watches: Vec<Watch>,
    code: ExitCode,
    /// Which run it is.
    heading: String,
}

impl<'a> Session<'a> {
    fn new(
        args: &ReplayArgs,
        manifest: &Manifest,
        plan: &'a Plan,
        platform: usize,
        name: &str,
    ) -> anyhow::Result<Self> {
        let replication = args.replication;
        let entry = target::entry(manifest, name, replication)?;
        let mut replay = Replay::new(plan, platform, replication, TRAIL);
        let mut log = crate::events::open(&args.run, manifest, entry)?;
        if let Some(log) = &mut log {
            log.verify().map_err(BadInput::error)?;
        }
        let digest = u64::from_str_radix(&entry.digest, 16).map_err(|_| {
            BadInput::error(format!("the manifest has no digest but `{}`", entry.digest))
        })?;
        replay.hold_against(
            log.as_ref().map_or(&[], EventLog::blocks),
            (entry.events, digest),
        );
        Ok(Self {
            replay,
            has_log: log.is_some(),
            until: None,
            watches: Vec::new(),
            code: ExitCode::SUCCESS,
            heading: format!("{name}, replication {replication}, seed {}", manifest.seed),
        })
    }

    /// What the options of the command line ask for.
    fn begin(&mut self, args: &ReplayArgs) -> anyhow::Result<()> {
        let to = args.to.as_deref().map(moment).transpose();
        let to = to.map_err(|mistake| mistaken("--to", &mistake))?;
        // All is checked before anything runs.
        let state = self.replay.state();
        let until = args.until.as_deref();
        let until = until
            .map(|text| Expression::condition(text, &state))
            .transpose();
        let mut until = until.map_err(|mistake| mistaken("--until", &mistake))?;
        let mut watches = Vec::new();
        for text in &args.watches {
            let expression = Expression::parse(text, &state);
            let expression = expression.map_err(|mistake| mistaken("--watch", &mistake))?;
            watches.push(Watch::new(expression, &state));
        }
        for text in &args.shows {
            shown(text, &self.replay).map_err(|mistake| mistaken("--show", &mistake))?;
        }
        print(&format!("{}\n", self.heading))?;
        // Watches report from where the user wants to be.
        let mut halt = Halt::Arrived;
        if let Some(to) = to {
            halt = self.run(Some(to), None)?;
        }
        for watch in &mut watches {
            watch.move_to(&self.replay.state());
        }
        self.watches = watches;
        let is_nothing_asked = to.is_none() && args.step == 0;
        let is_there = matches!(halt, Halt::Arrived | Halt::Ended);
        if is_there && (until.is_some() || is_nothing_asked && args.batch) {
            halt = self.run(None, until.as_mut().map(|until| (until, false)))?;
        }
        self.until = until;
        self.arrive(halt)?;
        if args.step > 0 {
            self.step(args.step)?;
        }
        for text in &args.shows {
            let text = shown(text, &self.replay).map_err(|mistake| mistaken("--show", &mistake))?;
            print(&text)?;
        }
        Ok(())
    }

    /// Reads commands until there are no more.
    fn converse(&mut self) -> anyhow::Result<()> {
        let is_terminal = io::stdin().is_terminal();
        if is_terminal {
            print("`help` lists the commands, an empty line steps\n")?;
        }
        for line in prompted(is_terminal) {
            let line = line?;
            STOP.store(false, Ordering::Relaxed);
            if !is_terminal {
                print(&format!("walras> {line}\n"))?;
            }
            match self.command(line.trim()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.is::<BadInput>() => {
                    // At a terminal one tries again; a script that is wrong fails.
                    say(&error.to_string());
                    if !is_terminal {
                        self.code = ExitCode::from(2);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Does what one line says; `false` to end.
    fn command(&mut self, line: &str) -> anyhow::Result<bool> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "" | "s" | "step" => self.step(number(rest, 1)?)?,
            "b" | "back" => {
                let target = self.replay.events().saturating_sub(number(rest, 1)?);
                self.go(Moment::Event(target))?;
            }
            "c" | "continue" => {
                let condition = rest.strip_prefix("until").unwrap_or(rest).trim();
                if !condition.is_empty() {
                    let parsed = Expression::condition(condition, &self.replay.state());
                    self.until = Some(parsed.map_err(|mistake| mistaken("until", &mistake))?);
                }
                let mut until = self.until.take();
                // The last condition again: when it next becomes true.
                let is_next = condition.is_empty();
                let halt = self.run(None, until.as_mut().map(|until| (until, is_next)))?;
                self.until = until;
                self.arrive(halt)?;
            }
            "g" | "goto" => {
                let target = moment(rest).map_err(|mistake| mistaken("goto", &mistake))?;
                self.go(target)?;
            }
            "p" | "print" => {
                let text = shown(rest, &self.replay);
                print(&text.map_err(|mistake| mistaken("print", &mistake))?)?;
            }
            "w" | "watch" => {
                let expression = Expression::parse(rest, &self.replay.state());
                let expression = expression.map_err(|mistake| mistaken("watch", &mistake))?;
                let watch = Watch::new(expression, &self.replay.state());
                print(&format!("  {}  {}\n", watch.text(), watch.now))?;
                self.watches.push(watch);
            }
            "unwatch" => self.watches.clear(),
            "t" | "trail" => self.trail(number(rest, 10)? as usize)?,
            "a" | "agenda" => {
                let count = number(rest, 10)? as usize;
                print(&agenda(&self.replay.agenda(), count))?;
            }
            "f" | "fields" => {
                print(&fields())?;
            }
            "h" | "help" => {
                print(HELP)?;
            }
            "q" | "quit" => return Ok(false),
            _ => {
                let names = [
                    "step", "back", "continue", "goto", "print", "watch", "unwatch", "trail",
                    "agenda", "fields", "help", "quit",
                ];
                let help = suggestion(word, "commands", names);
                return Err(BadInput::error(format!(
                    "unknown command `{word}`\n  help: {help}"
                )));
            }
        }
        Ok(true)
    }

    /// Goes to a point of the run; back by running again from the start.
    fn go(&mut self, target: Moment) -> anyhow::Result<()> {
        let is_behind = match target {
            Moment::Time(time) => time < self.replay.now(),
            Moment::Event(number) => number < self.replay.events(),
        };
        if is_behind {
            self.replay.restart();
        }
        // On the way there, nothing is reported.
        let mut watches = std::mem::take(&mut self.watches);
        let halt = self.run(Some(target), None);
        let state = self.replay.state();
        for watch in &mut watches {
            watch.move_to(&state);
        }
        self.watches = watches;
        if let Some(until) = &mut self.until {
            until.forget();
        }
        self.arrive(halt?)
    }

    /// Runs to a point, or until a condition holds, or when it next becomes true.
    fn run(
        &mut self,
        to: Option<Moment>,
        until: Option<(&mut Expression, bool)>,
    ) -> anyhow::Result<Halt> {
        let (until, is_next) =
            until.map_or((None, false), |(until, is_next)| (Some(until), is_next));
        let mut failed = None;
        let mut changed = |replay: &Replay<'_>, _: usize, watch: &Watch| {
            let number = condition::count(replay.events());
            let text = format!(
                "{:>21} {number:>10}  {}: {} -> {}\n",
                replay.now(),
                watch.text(),
                watch.before,
                watch.now
            );
            failed = failed.take().or(print(&text).err());
        };
        let halt = self.replay.run(&mut Errand {
            to,
            until,
            is_next,
            watches: &mut self.watches,
            changed: &mut changed,
            stop: &|| STOP.load(Ordering::Relaxed),
        });
        failed.map_or(Ok(halt), Err)
    }

    /// Handles some events and prints what happened in each.
    fn step(&mut self, count: u64) -> anyhow::Result<()> {
        let mut text = String::new();
        for _ in 0..count {
            let next = Moment::Event(self.replay.events() + 1);
            let halt = self.run(Some(next), None)?;
            if halt != Halt::Arrived {
                print(&text)?;
                return self.arrive(halt);
            }
            let number = self.replay.events();
            for record in self.replay.trail().filter(|record| record.number == number) {
                let _ = writeln!(text, "{}", line(record));
            }
            print(&text)?;
            text.clear();
        }
        Ok(())
    }

    /// Says where the run is, and why.
    fn arrive(&mut self, halt: Halt) -> anyhow::Result<()> {
        let replay = &self.replay;
        let place = format!(
            "{} after event {}",
            replay.now(),
            condition::count(replay.events())
        );
        let mut text = match halt {
            Halt::Arrived if replay.events() == 0 => "before the first event\n".to_owned(),
            Halt::HeldAlready => {
                let place = match replay.events() {
                    0 => "before the first event".to_owned(),
                    _ => format!("at {place}"),
                };
                let condition = self.until.as_ref().map_or("", Expression::text);
                format!("{place}\n  it holds already: {condition}\n")
            }
            Halt::Arrived => format!("at {place}\n"),
            Halt::Held => {
                let condition = self.until.as_ref().map_or("", Expression::text);
                format!("stopped at {place}\n  {condition}\n")
            }
            Halt::Ended => format!("the run ends at {place}\n"),
            Halt::Stopped => format!("interrupted at {place}\n"),
            Halt::Diverged(divergence) => {
                self.code = ExitCode::FAILURE;
                diverged(divergence)
            }
        };
        if halt == Halt::Ended
            && let Some(until) = &self.until
        {
            let _ = writeln!(text, "  it did not become true: {}", until.text());
        }
        let _ = writeln!(text, "  {}", self.checked());
        if let Some(until) = &mut self.until {
            for (term, value) in until.terms(&self.replay.state()) {
                let _ = writeln!(text, "  {term} = {value}");
            }
        }
        if self.replay.events() > 0 {
            text.push_str("\nlast events\n");
        }
        print(&text)?;
        self.trail(SHOWN)?;
        print(&format!("\n{}", totals(&self.replay)))?;
        Ok(())
    }

    /// What is known of whether this is the run that was recorded.
    fn checked(&self) -> String {
        let (event, is_whole) = self.replay.checked();
        if is_whole {
            return format!(
                "digest {}: that of the recorded run, event for event",
                self.replay.digest()
            );
        }
        if self.has_log {
            let event = condition::count(event);
            return format!("as in the event log up to event {event}, where it was last compared");
        }
        "not compared yet: without an event log that is done at the end".to_owned()
    }

    fn trail(&self, count: usize) -> anyhow::Result<()> {
        let mut lines: Vec<String> = self.replay.trail().rev().take(count).map(line).collect();
        lines.reverse();
        lines.push(String::new());
        print(&lines.join("\n"))?;
        Ok(())
    }
}

fn diverged(divergence: Divergence) -> String {
    format!(
        "this is not the recorded run: after event {} its digest is {:016x}, and was {:016x}\n  help: another version, machine or C library made it; repeat the run here\n",
        condition::count(divergence.events),
        divergence.replayed,
        divergence.recorded
    )
}

/// The lines of the standard input, each asked for at a terminal.
fn prompted(is_terminal: bool) -> impl Iterator<Item = io::Result<String>> {
    let mut lines = io::stdin().lock().lines();
    std::iter::from_fn(move || {
        if is_terminal {
            let mut out = io::stdout().lock();
            let _ = out.write_all(b"walras> ").and_then(|()| out.flush());
        }
        lines.next()
    })
}

fn mistaken(place: &str, mistake: &Mistake) -> anyhow::Error {
    BadInput::error(format!("{place}: {mistake}"))
}

fn number(text: &str, default: u64) -> anyhow::Result<u64> {
    if text.is_empty() {
        return Ok(default);
    }
    text.parse()
        .map_err(|_| BadInput::error(format!("expected a count, found `{text}`")))
}

/// A time such as `3h`, or an event such as `#1000` or, as it is printed, `#1,000`.
fn moment(text: &str) -> Result<Moment, Mistake> {
    let number = text.strip_prefix('#').map(|number| number.replace(',', ""));
    let is_number =
        |digits: &String| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match number.filter(is_number) {
        // No run has more events than can be counted.
        Some(digits) => Ok(Moment::Event(digits.parse().unwrap_or(u64::MAX))),
        None => condition::time(text).map(Moment::Time),
    }
}

/// What `print` and `--show` answer.
fn shown(text: &str, replay: &Replay<'_>) -> Result<String, Mistake> {
    let state = replay.state();
    if text.is_empty() {
        return Ok(totals(replay));
    }
    if let Some(subject) = condition::subject(text, &state) {
        let (owner, number) = subject?;
        return Ok(everything(replay, owner, number));
    }
    let mut expression = Expression::parse(text, &state)?;
    let value = expression.shown(&state);
    Ok(format!("  {} = {value}\n", expression.text()))
}

/// What is scheduled next, one thing in a line, as in the trail but for the number of the event, which is not known yet.
fn agenda(agenda: &[(SimTime, What)], count: usize) -> String {
    if agenda.is_empty() {
        return "nothing is scheduled: the run is over\n".to_owned();
    }
    let mut text = String::new();
    for (at, what) in agenda.iter().take(count) {
        let _ = writeln!(text, "{at:>21} {:>10}  {what}", "");
    }
    if agenda.len() > count {
        let more = condition::count((agenda.len() - count) as u64);
        let _ = writeln!(text, "  and {more} more");
    }
    text
}

/// All fields of the run, those with one prefix in one paragraph.
fn totals(replay: &Replay<'_>) -> String {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for field in Field::of(Owner::Run) {
        // Without a prefix: what every line says.
        let Some((prefix, name)) = field.name.split_once('.') else {
            continue;
        };
        let Some(value) = Probe::new(field, 0).read(&replay.state(), 0) else {
            continue;
        };
        let item = format!("{name} {}", show(field.kind, "", Some(value)));
        match groups.last_mut() {
            Some((last, items)) if *last == prefix => items.push(item),
            _ => groups.push((prefix, vec![item])),
        }
    }
    let mut text = String::new();
    for (prefix, items) in groups {
        paragraph(&mut text, prefix, &items);
    }
    text
}

/// All fields of a node or job.
fn everything(replay: &Replay<'_>, owner: Owner, number: u64) -> String {
    let mut items = Vec::new();
    for field in Field::of(owner) {
        let value = Probe::new(field, number).read(&replay.state(), 0);
        if value.is_some() {
            items.push(format!("{} {}", field.name, show(field.kind, "", value)));
        }
    }
    let mut text = String::new();
    let noun = if owner == Owner::Node { "node" } else { "job" };
    paragraph(&mut text, &format!("{noun}[{number}]"), &items);
    text
}

/// Items in lines of 80 columns beside a heading.
fn paragraph(text: &mut String, heading: &str, items: &[String]) {
    let indent = heading.chars().count().max(8) + 2;
    let mut line = format!("{heading:<indent$}");
    let mut is_first = true;
    for item in items {
        let gap = if is_first { 0 } else { 2 };
        if !is_first && line.chars().count() + gap + item.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = " ".repeat(indent);
        } else {
            line.push_str(&" ".repeat(gap));
        }
        line.push_str(item);
        is_first = false;
    }
    let _ = writeln!(text, "{line}");
}

/// The names that expressions know, with what they mean.
fn fields() -> String {
    let mut text = String::new();
    for (owner, prefix, heading) in [
        (Owner::Run, "", "the run"),
        (
            Owner::Node,
            "node[i].",
            "node i, from zero; node[*] in any, all, count, max, min, sum",
        ),
        (
            Owner::Job,
            "job[i].",
            "job i: the number of its request, from zero",
        ),
    ] {
        let _ = writeln!(text, "{heading}");
        for field in Field::of(owner) {
            let unit = match field.kind {
                Kind::Time => " [time]".to_owned(),
                Kind::Truth => " [yes or no]".to_owned(),
                Kind::Word(_) => String::new(),
                Kind::Number if field.unit.is_empty() => String::new(),
                Kind::Number => format!(" [{}]", field.unit),
            };
            let name = format!("{prefix}{}", field.name);
            let _ = writeln!(text, "  {name:<21} {}{unit}", field.meaning);
        }
    }
    text
}
