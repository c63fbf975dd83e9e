//! Conditions and expressions over the state of a run, such as `node[17].queue > 100 and time >= 3h`.
//!
//! ```text
//! expression  comparisons < <= > >= == != of values under + - * /, joined with and, or, not; parentheses
//! values      paths of `inspect::FIELDS`, numbers, times (3h, 250ms, 1h02m03.5s), true, false, words of a field (up, ended)
//! all nodes   any(…), all(…), count(…), max(…), min(…), sum(…) of an expression of node[*].…
//! ```
//!
//! Paths are resolved once, so that an evaluation after every event costs nanoseconds; what is said of all nodes is worked out
//! anew for those that an event has touched. What has no value (the node of a job that
//! waits, nothing over nothing) compares as false with everything. Times are nanoseconds inside: exact up to a hundred days.

use std::fmt;

use walras_des::{SimTime, Span, math};
use walras_sim::ids::NodeId;
use walras_sim::world::inspect::{FIELDS, Field, Kind, Owner, Probe, State};

use crate::issue::{closest, listing, suggestion};

/// What is wrong with an expression, where, and what would work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    text: String,
    /// Column of the first character that is wrong, from one.
    pub column: usize,
    width: usize,
    message: String,
    help: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, width) = (self.column, self.width.max(1));
        writeln!(f, "column {column}: {}", self.message)?;
        writeln!(f, "  {}", self.text)?;
        write!(f, "  {:>column$}{}", "^", "^".repeat(width - 1))?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}

/// An expression, resolved against one run.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    kind: Kind,
    unit: &'static str,
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Constant(f64),
    Read(Probe, String),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Fold(Box<Over>),
}

/// Something that is said of all nodes.
#[derive(Clone, Debug)]
struct Over {
    fold: Fold,
    of: Node,
    text: String,
    /// Of the result.
    kind: Kind,
    unit: &'static str,
    /// Whether `of` changes only for nodes that an event touches.
    is_local: bool,
    /// Values of `of` by node, and what came of them, after the event with this number.
    values: Vec<f64>,
    result: f64,
    events: u64,
}

/// Which nodes can have changed since the event before.
#[derive(Clone, Copy, Debug)]
pub enum Touched<'t> {
    /// Any.
    All,
    /// These at most.
    Only(&'t [NodeId]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// What is made of the values of all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    Any,
    All,
    Count,
    Max,
    Min,
    Sum,
}

const FOLDS: [(&str, Fold); 6] = [
    ("any", Fold::Any),
    ("all", Fold::All),
    ("count", Fold::Count),
    ("max", Fold::Max),
    ("min", Fold::Min),
    ("sum", Fold::Sum),
];

/// Units of time and their length [ns].
const UNITS: [(&str, f64); 8] = [
    ("d", 86_400e9),
    ("h", 3_600e9),
    ("min", 60e9),
    ("m", 60e9),
    ("s", 1e9),
    ("ms", 1e6),
    ("us", 1e3),
    ("ns", 1.0),
];

impl Expression {
    /// Reads an expression about the run in `state`.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(text: &str, state: &State<'_>) -> Result<Self, Mistake> {
        let mut parser = Parser::new(text, state)?;
        let typed = parser.or()?;
        parser.end()?;
        Ok(Self {
            text: text.trim().to_owned(),
            kind: typed.kind,
            unit: typed.unit,
            root: typed.node,
        })
    }

    /// Reads a condition: an expression that holds or does not.
    ///
    /// # Errors
    /// The first mistake.
    pub fn condition(text: &str, state: &State<'_>) -> Result<Self, Mistake> {
        let expression = Self::parse(text, state)?;
        if expression.kind == Kind::Truth {
            return Ok(expression);
        }
        Err(Mistake {
            text: text.to_owned(),
            column: 1,
            width: text.chars().count(),
            message: format!("this is {}, not a condition", noun(expression.kind)),
            help: Some(format!("compare it, as in `{} > 100`", text.trim())),
        })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the condition holds now.
    pub fn holds(&mut self, state: &State<'_>) -> bool {
        self.holds_after(state, Touched::All)
    }

    /// Whether the condition holds after an event that has changed no other nodes than those `touched`.
    #[inline]
    pub fn holds_after(&mut self, state: &State<'_>, touched: Touched<'_>) -> bool {
        self.root.value(state, 0, touched) == 1.0
    }

    /// The value now, as a number in the sense of [`Kind`]; `None` where there is none.
    pub fn value(&mut self, state: &State<'_>) -> Option<f64> {
        self.value_after(state, Touched::All)
    }

    /// The value after an event that has changed no other nodes than those `touched`.
    pub fn value_after(&mut self, state: &State<'_>, touched: Touched<'_>) -> Option<f64> {
        let value = self.root.value(state, 0, touched);
        (!value.is_nan()).then_some(value)
    }

    /// The value now, as it is written.
    pub fn shown(&mut self, state: &State<'_>) -> String {
        let value = self.value(state);
        show(self.kind, self.unit, value)
    }

    /// Every path in the expression with its value; of what is said about all nodes, the node that decides it.
    pub fn terms(&mut self, state: &State<'_>) -> Vec<(String, String)> {
        let mut terms = Vec::new();
        self.root.terms(state, &mut terms);
        terms
    }

    /// Makes it ready for another course of the run.
    pub fn forget(&mut self) {
        self.root.forget();
    }
}

impl Node {
    /// NaN where there is no value.
    fn value(&mut self, state: &State<'_>, node: usize, touched: Touched<'_>) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Read(probe, _) => probe.read(state, node).unwrap_or(f64::NAN),
            Self::Not(of) => truth(of.value(state, node, touched) != 1.0),
            Self::Negate(of) => -of.value(state, node, touched),
            Self::Binary(operator, left, right) => {
                let a = left.value(state, node, touched);
                match operator {
                    Operator::Or => {
                        return truth(a == 1.0 || right.value(state, node, touched) == 1.0);
                    }
                    Operator::And => {
                        return truth(a == 1.0 && right.value(state, node, touched) == 1.0);
                    }
                    _ => {}
                }
                let b = right.value(state, node, touched);
                match operator {
                    Operator::Or | Operator::And => unreachable!("decided above"),
                    Operator::Less => truth(a < b),
                    Operator::AtMost => truth(a <= b),
                    Operator::Greater => truth(a > b),
                    Operator::AtLeast => truth(a >= b),
                    Operator::Equal => truth(a == b),
                    // False, as all comparisons, where one side has no value.
                    Operator::Unequal => truth(a != b && !a.is_nan() && !b.is_nan()),
                    Operator::Add => a + b,
                    Operator::Subtract => a - b,
                    Operator::Multiply => a * b,
                    Operator::Divide => a / b,
                }
            }
            Self::Fold(over) => over.value(state, touched),
        }
    }

    fn terms(&mut self, state: &State<'_>, out: &mut Vec<(String, String)>) {
        match self {
            Self::Constant(_) => {}
            Self::Read(probe, text) => {
                let field = probe.field();
                let term = (
                    text.clone(),
                    show(field.kind, field.unit, probe.read(state, 0)),
                );
                if !out.contains(&term) {
                    out.push(term);
                }
            }
            Self::Not(of) | Self::Negate(of) => of.terms(state, out),
            Self::Binary(_, left, right) => {
                left.terms(state, out);
                right.terms(state, out);
            }
            Self::Fold(over) => {
                let value = over.value(state, Touched::All);
                let value = show(over.kind, over.unit, Some(value));
                let decides = over.fold.decides(&over.values);
                let node = decides.map_or_else(String::new, |node| format!(" (node {node})"));
                out.push((over.text.clone(), value + &node));
            }
        }
    }

    fn forget(&mut self) {
        match self {
            Self::Constant(_) => {}
            Self::Read(probe, _) => probe.forget(),
            Self::Not(of) | Self::Negate(of) => of.forget(),
            Self::Fold(over) => {
                over.values.clear();
                over.of.forget();
            }
            Self::Binary(_, left, right) => {
                left.forget();
                right.forget();
            }
        }
    }
}

impl Node {
    /// Whether this changes only for nodes that an event touches: not with the clock, the run or another node.
    fn is_local(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Read(probe, _) => probe.is_each_node() && probe.field().kind != Kind::Time,
            Self::Not(of) | Self::Negate(of) => of.is_local(),
            Self::Binary(_, left, right) => left.is_local() && right.is_local(),
            Self::Fold(_) => false,
        }
    }
}

impl Over {
    fn value(&mut self, state: &State<'_>, touched: Touched<'_>) -> f64 {
        let is_next = !self.values.is_empty() && self.events + 1 == state.events();
        self.events = state.events();
        let is_changed = match touched {
            Touched::Only(nodes) if self.is_local && is_next => {
                let mut is_changed = false;
                for node in nodes {
                    let value = self.of.value(state, node.index(), touched);
                    let before = std::mem::replace(&mut self.values[node.index()], value);
                    is_changed |= before.to_bits() != value.to_bits();
                }
                is_changed
            }
            _ => {
                let all = 0..state.node_count();
                self.values.clear();
                for node in all {
                    self.values.push(self.of.value(state, node, touched));
                }
                true
            }
        };
        if is_changed {
            self.result = self.fold.over(&self.values);
        }
        self.result
    }
}

impl Fold {
    /// What is made of the values of all nodes. Those without a value are left out.
    fn over(self, values: &[f64]) -> f64 {
        let known = values.iter().copied().filter(|value| !value.is_nan());
        match self {
            Self::Any => truth(values.contains(&1.0)),
            Self::All => truth(!values.contains(&0.0)),
            Self::Count => values.iter().filter(|value| **value == 1.0).count() as f64,
            Self::Sum => known.sum(),
            Self::Max => known.fold(f64::NAN, f64::max),
            Self::Min => known.fold(f64::NAN, f64::min),
        }
    }

    /// The first node that decides it, if one does.
    fn decides(self, values: &[f64]) -> Option<usize> {
        let wanted = match self {
            Self::Any => 1.0,
            Self::All => 0.0,
            Self::Max | Self::Min => self.over(values),
            Self::Count | Self::Sum => return None,
        };
        values.iter().position(|value| *value == wanted)
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// A value as it is written: times in human units, numbers with their unit, `none` where there is no value.
#[must_use]
pub fn show(kind: Kind, unit: &str, value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| !value.is_nan()) else {
        return "none".to_owned();
    };
    match kind {
        Kind::Time if value < 0.0 => format!("-{}", Span::from_nanos((-value) as u64)),
        Kind::Time => Span::from_nanos(value as u64).to_string(),
        Kind::Truth => if value == 1.0 { "yes" } else { "no" }.to_owned(),
        Kind::Word(words) => words
            .get(value as usize)
            .copied()
            .unwrap_or("none")
            .to_owned(),
        Kind::Number if unit.is_empty() => plain(value),
        Kind::Number => {
            let plural = if value == 1.0 && unit.ends_with('s') && !unit.contains(' ') {
                &unit[..unit.len() - 1]
            } else {
                unit
            };
            format!("{} {plural}", plain(value))
        }
    }
}

/// A count, with commas.
#[must_use]
pub fn count(value: u64) -> String {
    plain(value as f64)
}

/// Six digits of a number, or all of its whole part, with commas.
fn plain(value: f64) -> String {
    let decimals = if value.fract() == 0.0 {
        0
    } else {
        let magnitude = math::ln(value.abs()) / std::f64::consts::LN_10;
        (5.0 - magnitude.floor()).clamp(0.0, 12.0) as usize
    };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = if value < 0.0 { "-" } else { "" }.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    let rest = rest.trim_end_matches('0');
    if !rest.is_empty() {
        shown.push('.');
        shown.push_str(rest);
    }
    shown
}

/// A time such as `3h`, `250ms` or `1h02m03.5s`.
///
/// # Errors
/// If it is none.
pub fn time(text: &str) -> Result<SimTime, Mistake> {
    let whole = |message: String| Mistake {
        text: text.to_owned(),
        column: 1,
        width: text.chars().count(),
        message,
        help: Some("write for example 3h, 250ms or 1h02m03.5s".to_owned()),
    };
    let tokens = scan(text)?;
    match tokens.as_slice() {
        [
            Token {
                what: Lexeme::Time(nanos),
                ..
            },
            _,
        ] => {
            // 2^53 ns are 104 days; a run is shorter than 584 years.
            if *nanos >= 1.8e19 {
                return Err(whole("this time lies beyond 584 years".to_owned()));
            }
            Ok(SimTime::from_nanos(*nanos as u64))
        }
        [
            Token {
                what: Lexeme::Number(_),
                ..
            },
            _,
        ] => Err(whole(format!("the time {text} has no unit"))),
        _ => Err(whole(format!("`{text}` is not a time"))),
    }
}

/// The node or job that `node[17]` or `job[5]` names as a whole.
///
/// # Errors
/// If there is no such node. `None` if the text is something else.
#[must_use]
pub fn subject(text: &str, state: &State<'_>) -> Option<Result<(Owner, u64), Mistake>> {
    let mut parser = match Parser::new(text, state) {
        Ok(parser) => parser,
        Err(mistake) => return Some(Err(mistake)),
    };
    let [name, open, number, close, _end] = parser.tokens.as_slice() else {
        return None;
    };
    let owner = match &name.what {
        Lexeme::Name(name) if name == "node" => Owner::Node,
        Lexeme::Name(name) if name == "job" => Owner::Job,
        _ => return None,
    };
    let Lexeme::Number(value) = number.what else {
        return None;
    };
    if open.what != Lexeme::Mark("[") || close.what != Lexeme::Mark("]") {
        return None;
    }
    parser.next = 2;
    Some(parser.number(owner, value).map(|number| (owner, number)))
}

/// One part of an expression.
#[derive(Clone, Debug, PartialEq)]
enum Lexeme {
    Number(f64),
    /// In nanoseconds.
    Time(f64),
    Name(String),
    Mark(&'static str),
    End,
}

#[derive(Clone, Debug)]
struct Token {
    what: Lexeme,
    /// From one.
    column: usize,
    width: usize,
}

const MARKS: [&str; 22] = [
    "<=", ">=", "==", "!=", "&&", "||", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ".", "=",
    "!", ",", "&", "|",
];

fn scan(text: &str) -> Result<Vec<Token>, Mistake> {
    let characters: Vec<char> = text.chars().collect();
    let mistake = |from: usize, to: usize, message: String, help: Option<String>| Mistake {
        text: text.to_owned(),
        column: from + 1,
        width: to - from,
        message,
        help,
    };
    let span = |from: usize, accept: &dyn Fn(char) -> bool| {
        let length = characters[from..]
            .iter()
            .take_while(|c| accept(**c))
            .count();
        from + length
    };
    let text_of = |from: usize, to: usize| characters[from..to].iter().collect::<String>();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let from = at;
        let character = characters[at];
        let what = if character.is_whitespace() {
            at += 1;
            continue;
        } else if character.is_ascii_digit() {
            let mut total = None;
            loop {
                let start = at;
                at = span(at, &|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
                let digits = text_of(start, at).replace('_', "");
                let number: f64 = digits
                    .parse()
                    .map_err(|_| mistake(start, at, format!("`{digits}` is not a number"), None))?;
                // A unit may follow at once or, as in scenarios, after a space.
                let gap = span(at, &|c| c == ' ');
                let end = span(gap, &|c| c.is_ascii_alphabetic());
                let unit = text_of(gap, end);
                let known = UNITS.iter().find(|(name, _)| *name == unit);
                if let Some((_, nanos)) = known {
                    total = Some(total.unwrap_or(0.0) + number * nanos);
                    at = end;
                    // `1h02m`: the next part follows without a space.
                    if characters.get(at).is_some_and(char::is_ascii_digit) {
                        continue;
                    }
                } else if total.is_some() || (gap == at && !unit.is_empty()) {
                    let units = listing(UNITS.iter().map(|(name, _)| *name));
                    let message = if unit.is_empty() {
                        format!("`{digits}` has no unit")
                    } else {
                        format!("unknown unit of time `{unit}`")
                    };
                    let help = format!("units of time: {units}");
                    let place = if unit.is_empty() { start } else { gap };
                    return Err(mistake(place, end.max(place + 1), message, Some(help)));
                } else {
                    break Lexeme::Number(number);
                }
                break Lexeme::Time(total.unwrap_or(0.0).round());
            }
        } else if character.is_alphabetic() || character == '_' {
            at = span(at, &|c| c.is_alphanumeric() || c == '_');
            Lexeme::Name(text_of(from, at))
        } else {
            let fits = |mark: &&&str| {
                mark.chars()
                    .enumerate()
                    .all(|(i, c)| characters.get(at + i) == Some(&c))
            };
            let Some(mark) = MARKS.iter().find(fits) else {
                let message = format!("`{character}` has no meaning here");
                return Err(mistake(at, at + 1, message, None));
            };
            at += mark.len();
            Lexeme::Mark(mark)
        };
        tokens.push(Token {
            what,
            column: from + 1,
            width: at - from,
        });
    }
    tokens.push(Token {
        what: Lexeme::End,
        column: characters.len() + 1,
        width: 1,
    });
    Ok(tokens)
}

/// A part of the tree with what is known of it.
struct Typed {
    node: Node,
    kind: Kind,
    unit: &'static str,
    column: usize,
    width: usize,
}

/// An expression has at most so many, so that nothing that goes down its tree leaves the stack.
const MOST_TOKENS: usize = 400;

struct Parser<'s> {
    text: &'s str,
    state: &'s State<'s>,
    tokens: Vec<Token>,
    next: usize,
    /// Whether this is inside `any(…)` and the like, and whether a `node[*]` was seen there.
    inside: Option<bool>,
}

/// What a kind of value is called.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "a number",
        Kind::Time => "a time",
        Kind::Truth => "a condition",
        Kind::Word(_) => "a word",
    }
}

impl<'s> Parser<'s> {
    fn new(text: &'s str, state: &'s State<'s>) -> Result<Self, Mistake> {
        let parser = Self {
            text,
            state,
            tokens: scan(text)?,
            next: 0,
            inside: None,
        };
        let beyond = parser.tokens.get(MOST_TOKENS);
        let Some(token) = beyond.filter(|token| token.what != Lexeme::End) else {
            return Ok(parser);
        };
        let message = format!("longer than {MOST_TOKENS} names, numbers and signs");
        Err(parser.mistake(token.column, token.width, message, None))
    }

    fn mistake(
        &self,
        column: usize,
        width: usize,
        message: String,
        help: Option<String>,
    ) -> Mistake {
        Mistake {
            text: self.text.to_owned(),
            column,
            width,
            message,
            help,
        }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    /// Takes the next token if it is one of these marks or names.
    fn accept(&mut self, words: &[&str]) -> Option<Token> {
        let is_one = match &self.peek().what {
            Lexeme::Name(name) => words.contains(&name.as_str()),
            Lexeme::Mark(mark) => words.contains(mark),
            _ => false,
        };
        is_one.then(|| self.take())
    }

    fn expect(&mut self, mark: &'static str) -> Result<Token, Mistake> {
        if let Some(token) = self.accept(&[mark]) {
            return Ok(token);
        }
        let token = self.peek();
        let message = format!("expected `{mark}`, found {}", found(&token.what));
        Err(self.mistake(token.column, token.width, message, None))
    }

    fn end(&mut self) -> Result<(), Mistake> {
        let token = self.peek().clone();
        if token.what == Lexeme::End {
            return Ok(());
        }
        let help = (token.what == Lexeme::Mark("=")).then(|| "compare with `==`".to_owned());
        let message = format!(
            "expected an operator or the end, found {}",
            found(&token.what)
        );
        Err(self.mistake(token.column, token.width, message, help))
    }

    fn or(&mut self) -> Result<Typed, Mistake> {
        let mut left = self.and()?;
        while self.accept(&["or", "||"]).is_some() {
            let right = self.and()?;
            left = self.logical(Operator::Or, left, right)?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Typed, Mistake> {
        let mut left = self.not()?;
        while self.accept(&["and", "&&"]).is_some() {
            let right = self.not()?;
            left = self.logical(Operator::And, left, right)?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Typed, Mistake> {
        let Some(token) = self.accept(&["not", "!"]) else {
            return self.comparison();
        };
        let of = self.not()?;
        self.needs(Kind::Truth, &of)?;
        Ok(Typed {
            width: of.column + of.width - token.column,
            column: token.column,
            node: Node::Not(Box::new(of.node)),
            ..of
        })
    }

    fn comparison(&mut self) -> Result<Typed, Mistake> {
        let left = self.sum()?;
        let Some(token) = self.accept(&["<", "<=", ">", ">=", "==", "!="]) else {
            return Ok(left);
        };
        let (operator, is_order) = match token.what {
            Lexeme::Mark("<") => (Operator::Less, true),
            Lexeme::Mark("<=") => (Operator::AtMost, true),
            Lexeme::Mark(">") => (Operator::Greater, true),
            Lexeme::Mark(">=") => (Operator::AtLeast, true),
            Lexeme::Mark("==") => (Operator::Equal, false),
            _ => (Operator::Unequal, false),
        };
        let right = self.sum()?;
        if left.kind != right.kind {
            return Err(self.unlike("compared with", &left, &right));
        }
        if is_order && !matches!(left.kind, Kind::Number | Kind::Time) {
            let message = format!("{} has no order", noun(left.kind));
            let help = Some("compare it with == or !=".to_owned());
            return Err(self.mistake(token.column, token.width, message, help));
        }
        if let Some(token) = self.accept(&["<", "<=", ">", ">=", "==", "!="]) {
            let message = "comparisons cannot be chained".to_owned();
            let help = Some("join two of them with `and`".to_owned());
            return Err(self.mistake(token.column, token.width, message, help));
        }
        Ok(join(operator, Kind::Truth, "", left, right))
    }

    fn sum(&mut self) -> Result<Typed, Mistake> {
        let mut left = self.product()?;
        while let Some(token) = self.accept(&["+", "-"]) {
            let operator = if token.what == Lexeme::Mark("+") {
                Operator::Add
            } else {
                Operator::Subtract
            };
            let right = self.product()?;
            self.countable(&left)?;
            self.countable(&right)?;
            if left.kind != right.kind {
                return Err(self.unlike("added to", &left, &right));
            }
            let (kind, unit) = (left.kind, left.unit);
            left = join(operator, kind, unit, left, right);
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Typed, Mistake> {
        let mut left = self.unary()?;
        while let Some(token) = self.accept(&["*", "/"]) {
            let right = self.unary()?;
            self.countable(&left)?;
            self.countable(&right)?;
            let operator = if token.what == Lexeme::Mark("*") {
                Operator::Multiply
            } else {
                Operator::Divide
            };
            let kind = match (left.kind, operator, right.kind) {
                (Kind::Time, Operator::Divide, Kind::Time) | (Kind::Number, _, Kind::Number) => {
                    Kind::Number
                }
                (Kind::Time, _, Kind::Number) | (Kind::Number, Operator::Multiply, Kind::Time) => {
                    Kind::Time
                }
                _ => {
                    let message = match operator {
                        Operator::Multiply => "a time cannot be multiplied by a time",
                        _ => "a number cannot be divided by a time",
                    };
                    return Err(self.mistake(token.column, token.width, message.to_owned(), None));
                }
            };
            left = join(operator, kind, "", left, right);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Typed, Mistake> {
        let Some(token) = self.accept(&["-"]) else {
            return self.primary();
        };
        let of = self.unary()?;
        self.countable(&of)?;
        Ok(Typed {
            width: of.column + of.width - token.column,
            column: token.column,
            node: Node::Negate(Box::new(of.node)),
            ..of
        })
    }

    fn primary(&mut self) -> Result<Typed, Mistake> {
        let token = self.take();
        let constant = |value: f64, kind: Kind| Typed {
            node: Node::Constant(value),
            kind,
            unit: "",
            column: token.column,
            width: token.width,
        };
        match &token.what {
            Lexeme::Number(value) => Ok(constant(*value, Kind::Number)),
            Lexeme::Time(nanos) => Ok(constant(*nanos, Kind::Time)),
            Lexeme::Mark("(") => {
                let inner = self.or()?;
                let close = self.expect(")")?;
                Ok(Typed {
                    column: token.column,
                    width: close.column + 1 - token.column,
                    ..inner
                })
            }
            Lexeme::Name(name) => match name.as_str() {
                "true" => Ok(constant(1.0, Kind::Truth)),
                "false" => Ok(constant(0.0, Kind::Truth)),
                _ => self.name(name, &token),
            },
            other => {
                let message = format!("expected a value, found {}", found(other));
                let help = "a value is a path such as node[17].queue or jobs.waiting, a number, or a time such as 3h";
                Err(self.mistake(token.column, token.width, message, Some(help.to_owned())))
            }
        }
    }

    /// A path, a word of a field, or a fold over all nodes.
    fn name(&mut self, name: &str, token: &Token) -> Result<Typed, Mistake> {
        if self.accept(&["("]).is_some() {
            return self.fold(name, token);
        }
        if self.accept(&["["]).is_some() {
            return self.indexed(name, token);
        }
        let mut path = name.to_owned();
        let mut end = token.column + token.width;
        while self.accept(&["."]).is_some() {
            let part = self.take();
            let Lexeme::Name(name) = &part.what else {
                let message = format!(
                    "expected a name after `{path}.`, found {}",
                    found(&part.what)
                );
                return Err(self.mistake(part.column, part.width, message, None));
            };
            path = format!("{path}.{name}");
            end = part.column + part.width;
        }
        let (column, width) = (token.column, end - token.column);
        if let Some(field) = Field::named(Owner::Run, &path) {
            let mut probe = Probe::new(field, 0);
            if probe.read(self.state, 0).is_none() {
                let platform = &self.state.platform().name;
                let message = format!("`{path}` has no value on platform `{platform}`");
                return Err(self.mistake(column, width, message, None));
            }
            return Ok(Typed {
                node: Node::Read(probe, path),
                kind: field.kind,
                unit: field.unit,
                column,
                width,
            });
        }
        let words = FIELDS.iter().filter_map(|field| match field.kind {
            Kind::Word(words) => Some(words),
            _ => None,
        });
        for words in words {
            if let Some(place) = words.iter().position(|word| *word == path) {
                return Ok(Typed {
                    node: Node::Constant(place as f64),
                    kind: Kind::Word(words),
                    unit: "",
                    column,
                    width,
                });
            }
        }
        let known = Field::of(Owner::Run).map(|field| field.name);
        let help = if path == "node" || path == "job" {
            format!("say which, as in `{path}[17]`")
        } else {
            match closest(&path, known.clone()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!(
                    "known names: {}, and the fields of node[i] and job[i]",
                    listing(known)
                ),
            }
        };
        Err(self.mistake(column, width, format!("unknown name `{path}`"), Some(help)))
    }

    /// `any(…)` and the like.
    fn fold(&mut self, name: &str, token: &Token) -> Result<Typed, Mistake> {
        let Some((_, fold)) = FOLDS.iter().find(|(known, _)| *known == name) else {
            let help = suggestion(name, "functions", FOLDS.iter().map(|(name, _)| *name));
            let message = format!("unknown function `{name}`");
            return Err(self.mistake(token.column, token.width, message, Some(help)));
        };
        if self.inside.is_some() {
            let message = format!("`{name}(…)` cannot stand inside another such function");
            return Err(self.mistake(token.column, token.width, message, None));
        }
        self.inside = Some(false);
        let inner = self.or()?;
        let close = self.expect(")")?;
        if self.inside.take() != Some(true) {
            let message =
                format!("`{name}(…)` is about all nodes, and this names none of their fields");
            let help = Some(format!(
                "write for example `{name}(node[*].{})`",
                example(*fold)
            ));
            return Err(self.mistake(inner.column, inner.width, message, help));
        }
        let (kind, unit) = match fold {
            Fold::Any | Fold::All | Fold::Count => {
                self.needs(Kind::Truth, &inner)?;
                let kind = if *fold == Fold::Count {
                    Kind::Number
                } else {
                    Kind::Truth
                };
                (kind, "")
            }
            Fold::Max | Fold::Min | Fold::Sum => {
                self.countable(&inner)?;
                (inner.kind, inner.unit)
            }
        };
        let (column, width) = (token.column, close.column + 1 - token.column);
        let text = self.text.chars().skip(column - 1).take(width).collect();
        Ok(Typed {
            node: Node::Fold(Box::new(Over {
                fold: *fold,
                is_local: inner.node.is_local(),
                of: inner.node,
                text,
                kind,
                unit,
                values: Vec::new(),
                result: f64::NAN,
                events: 0,
            })),
            kind,
            unit,
            column,
            width,
        })
    }

    /// `node[17].queue`, after the bracket.
    fn indexed(&mut self, name: &str, token: &Token) -> Result<Typed, Mistake> {
        let owner = match name {
            "node" => Owner::Node,
            "job" => Owner::Job,
            _ => {
                let message = format!("there is no `{name}[…]`");
                let help = Some("there are node[i] and job[i]".to_owned());
                return Err(self.mistake(token.column, token.width, message, help));
            }
        };
        let number = if owner == Owner::Node && self.peek().what == Lexeme::Mark("*") {
            let star = self.take();
            if self.inside.is_none() {
                let message = "node[*] stands for each node, and must be summed up".to_owned();
                let help = "write for example any(node[*].queue > 100) or max(node[*].queue)";
                return Err(self.mistake(star.column, star.width, message, Some(help.to_owned())));
            }
            self.inside = Some(true);
            None
        } else {
            let Lexeme::Number(value) = self.peek().what else {
                let token = self.peek();
                let message = format!(
                    "expected the number of a {name}, found {}",
                    found(&token.what)
                );
                let help = Some(format!("as in `{name}[17]`"));
                return Err(self.mistake(token.column, token.width, message, help));
            };
            Some(self.number(owner, value)?)
        };
        let close = self.expect("]")?;
        let known = Field::of(owner).map(|field| field.name);
        if self.accept(&["."]).is_none() {
            let message = format!("a {name} is not a value: say which of its fields");
            let help = Some(format!("fields of a {name}: {}", listing(known)));
            let width = close.column + 1 - token.column;
            return Err(self.mistake(token.column, width, message, help));
        }
        let part = self.take();
        let field = match &part.what {
            Lexeme::Name(field) => Field::named(owner, field).ok_or_else(|| {
                let help = suggestion(field, "fields", known.clone());
                let message = format!("unknown field `{field}` of a {name}");
                self.mistake(part.column, part.width, message, Some(help))
            })?,
            other => {
                let message = format!("expected a field of a {name}, found {}", found(other));
                let help = Some(format!("fields of a {name}: {}", listing(known)));
                return Err(self.mistake(part.column, part.width, message, help));
            }
        };
        let (probe, index) = match number {
            Some(number) => (Probe::new(field, number), number.to_string()),
            None => (Probe::each_node(field), "*".to_owned()),
        };
        Ok(Typed {
            node: Node::Read(probe, format!("{name}[{index}].{}", field.name)),
            kind: field.kind,
            unit: field.unit,
            column: token.column,
            width: part.column + part.width - token.column,
        })
    }

    /// The number of a node that there is, or of a job.
    fn number(&mut self, owner: Owner, value: f64) -> Result<u64, Mistake> {
        let token = self.take();
        let count = self.state.node_count();
        if value.fract() != 0.0 || value >= 9e15 {
            let message = "expected a whole number".to_owned();
            return Err(self.mistake(token.column, token.width, message, None));
        }
        if owner == Owner::Node && value >= count as f64 {
            let platform = &self.state.platform().name;
            let message = format!("there is no node {}", plain(value));
            let help = format!(
                "platform `{platform}` has {} nodes, 0 to {}",
                plain(count as f64),
                plain(count as f64 - 1.0)
            );
            return Err(self.mistake(token.column, token.width, message, Some(help)));
        }
        Ok(value as u64)
    }

    fn logical(&self, operator: Operator, left: Typed, right: Typed) -> Result<Typed, Mistake> {
        self.needs(Kind::Truth, &left)?;
        self.needs(Kind::Truth, &right)?;
        Ok(join(operator, Kind::Truth, "", left, right))
    }

    fn needs(&self, kind: Kind, found: &Typed) -> Result<(), Mistake> {
        if found.kind == kind {
            return Ok(());
        }
        let message = format!("expected {}, found {}", noun(kind), noun(found.kind));
        let help = (kind == Kind::Truth).then(|| "compare it with something".to_owned());
        Err(self.mistake(found.column, found.width, message, help))
    }

    fn countable(&self, found: &Typed) -> Result<(), Mistake> {
        if matches!(found.kind, Kind::Number | Kind::Time) {
            return Ok(());
        }
        let message = format!("expected a number or a time, found {}", noun(found.kind));
        Err(self.mistake(found.column, found.width, message, None))
    }

    fn unlike(&self, verb: &str, left: &Typed, right: &Typed) -> Mistake {
        let message = format!("{} cannot be {verb} {}", noun(left.kind), noun(right.kind));
        let help = match (left.kind, right.kind) {
            (Kind::Word(words), _) | (_, Kind::Word(words)) => Some(format!(
                "words of this field: {}",
                listing(words.iter().copied())
            )),
            (Kind::Time, Kind::Number) | (Kind::Number, Kind::Time) => {
                Some("a time has a unit, as in 3h or 250ms; a count has none".to_owned())
            }
            _ => None,
        };
        self.mistake(right.column, right.width, message, help)
    }
}

fn join(operator: Operator, kind: Kind, unit: &'static str, left: Typed, right: Typed) -> Typed {
    Typed {
        column: left.column,
        width: right.column + right.width - left.column,
        node: Node::Binary(operator, Box::new(left.node), Box::new(right.node)),
        kind,
        unit,
    }
}

fn found(what: &Lexeme) -> String {
    match what {
        Lexeme::Number(value) => format!("the number {value}"),
        Lexeme::Time(_) => "a time".to_owned(),
        Lexeme::Name(name) => format!("`{name}`"),
        Lexeme::Mark(mark) => format!("`{mark}`"),
        Lexeme::End => "the end".to_owned(),
    }
}

fn example(fold: Fold) -> &'static str {
    match fold {
        Fold::Any | Fold::All | Fold::Count => "queue > 100",
        Fold::Max | Fold::Min | Fold::Sum => "queue",
    }
}
