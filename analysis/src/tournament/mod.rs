//! Tournaments: schedulers against each other in several contests, with ranks, winners and the gap to what nobody can beat.
//!
//! A contest is kept as a run directory, as the point of a sweep is. Within it, each pair of schedulers is compared replication by
//! replication; all pairs of a figure are judged together ([`holm`]). Over contests, mean ranks are compared ([`ranking`]).

mod bounds;

use std::ops::RangeInclusive;
use std::path::Path;

use walras_scenarios::contest::Contest;
use walras_scenarios::run::Options;
use walras_scenarios::sweep::Point;
use walras_sim::record::{Better, MetricId, Range};

use crate::campaign::{Campaign, CampaignError, Watch};
use crate::compare::{Comparison, Values, is_material, is_of_served};
use crate::estimate::holm::{holm, possible_ranks};
use crate::estimate::ranks::{Ranking, ranking, ranks};
use crate::estimate::{CONFIDENCE, Difference, Estimate, estimate, paired};
use crate::experiment::{Experiment, Run};
use crate::findings::list;
use crate::tournament::bounds::tightness;

pub use bounds::Bounds;

/// The page beside the contests.
pub const PAGE: &str = "tournament.html";

/// The figures that decide unless others are asked for: of requests, and of batch jobs.
pub const DECISIVE: [MetricId; 6] = [
    MetricId::SloAttainment,
    MetricId::TtftP99,
    MetricId::CostPerMillion,
    MetricId::ResponseMean,
    MetricId::SlowdownMean,
    MetricId::Makespan,
];

/// What a tournament has given so far.
#[derive(Clone, Debug)]
pub struct Tournament<'c> {
    /// What was asked.
    pub contests: &'c [Contest],
    /// What came out of each, in their order; `None` where it is not finished.
    pub outcomes: Vec<Option<Outcome>>,
}

/// What came out of a contest.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// All figures, as a report of its directory has them.
    pub comparison: Comparison,
    /// Who is where, for each figure that was asked for and has values.
    pub standings: Vec<Standings>,
}

/// Who is where in one figure of one contest.
#[derive(Clone, Debug, PartialEq)]
pub struct Standings {
    /// The figure.
    pub metric: MetricId,
    /// One for each entrant, the best mean first; those without a value last.
    pub rows: Vec<Standing>,
    /// Replications that all entrants with a value have.
    pub replications: usize,
    /// What to keep in mind.
    pub caveats: Vec<String>,
}

/// How one entrant did.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Its index among the entrants.
    pub entrant: usize,
    /// Its name.
    pub name: String,
    /// The figure.
    pub estimate: Option<Estimate>,
    /// Its difference, within replications, to the reference of the standings; `None` for the reference itself.
    pub difference: Option<Difference>,
    /// Whether that difference is clear when all pairs are judged together.
    pub is_clear: bool,
    /// Its mean rank over replications, from one for the best.
    pub mean_rank: Option<Estimate>,
    /// The ranks that it can have, with 95 % for all entrants together; `None` where replications cannot tell.
    pub ranks: Option<RangeInclusive<usize>>,
    /// Value relative to the bound of the same replication.
    pub gap: Option<Difference>,
    /// The mean of the bounds.
    pub bound: Option<f64>,
}

/// Who is where over all contests, in one figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Overall {
    /// The figure.
    pub metric: MetricId,
    /// Names of the entrants with their mean ranks, the best first.
    pub rows: Vec<(String, f64)>,
    /// What the ranks say together.
    pub ranking: Ranking,
    /// The contests behind them.
    pub contests: Vec<String>,
}

/// Which contests are in `directory` already, finished with the same input and version.
///
/// # Errors
/// If there is anything else.
pub fn finished(contests: &[Contest], directory: &Path) -> Result<Vec<bool>, CampaignError> {
    with_campaign(contests, |campaign| campaign.finished(directory))
}

/// Executes the contests that `directory` does not hold, reads all of them back, and says who is where in each of `metrics`.
/// Differences are taken to the entrant called `reference`, or else to the best of each figure; see [`Campaign::carry_out`].
///
/// # Errors
/// As there.
pub fn carry_out<'c>(
    contests: &'c [Contest],
    directory: &Path,
    metrics: &[MetricId],
    reference: Option<&str>,
    options: &Options<'_>,
    watch: &dyn Watch,
) -> Result<Tournament<'c>, CampaignError> {
    let read = |index: usize, experiment: Experiment| {
        let scenario = contests[index].load()?;
        let bounds = Bounds::of(&scenario.plan, &experiment);
        Ok(Outcome::of(&experiment, &bounds, metrics, reference))
    };
    let carry_out = |campaign: Campaign<'_>| campaign.carry_out(directory, options, watch, &read);
    let outcomes = with_campaign(contests, carry_out)?;
    Ok(Tournament { contests, outcomes })
}

fn with_campaign<T>(contests: &[Contest], act: impl FnOnce(Campaign<'_>) -> T) -> T {
    let points: Vec<&Point> = contests.iter().map(|contest| &contest.point).collect();
    act(Campaign {
        what: "tournament",
        points: &points,
        load: &|index| contests[index].load(),
        beside: &[PAGE],
        rounds: &[],
    })
}

impl<'c> Tournament<'c> {
    /// The finished contests with what came out.
    pub fn finished(&self) -> impl Iterator<Item = (&'c Contest, &Outcome)> {
        let pairs = self.contests.iter().zip(&self.outcomes);
        pairs.filter_map(|(contest, outcome)| Some((contest, outcome.as_ref()?)))
    }

    /// Whether contests are missing.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.outcomes.iter().any(Option::is_none)
    }

    /// How tight the bounds are that stand beside figures, in sentences; `None` if there are none.
    #[must_use]
    pub fn tightness(&self) -> Option<String> {
        let standings = self.finished().flat_map(|(_, outcome)| &outcome.standings);
        let bounded = standings.filter(|found| found.rows.iter().any(|row| row.gap.is_some()));
        let mut sentences: Vec<&str> = bounded.map(|found| tightness(found.metric)).collect();
        sentences.sort_unstable();
        sentences.dedup();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

    /// Who is where over all finished contests; `None` unless two of them or more have the same entrants, each with a value.
    #[must_use]
    pub fn overall(&self, metric: MetricId) -> Option<Overall> {
        let names = &self.contests.first()?.point.platforms;
        let (mut blocks, mut contests) = (Vec::new(), Vec::new());
        for (contest, outcome) in self.finished() {
            let Some(standings) = outcome.standings(metric) else {
                continue;
            };
            if contest.point.platforms != *names {
                return None;
            }
            let value = |entrant: usize| {
                let row = standings.rows.iter().find(|row| row.entrant == entrant)?;
                Some(as_loss(metric, row.estimate?.mean))
            };
            let values: Option<Vec<f64>> = (0..names.len()).map(value).collect();
            blocks.push(ranks(&values?));
            contests.push(contest.point.name.clone());
        }
        let ranking = ranking(&blocks)?;
        let mut rows: Vec<(String, f64)> =
            names.iter().cloned().zip(ranking.means.clone()).collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        Some(Overall {
            metric,
            rows,
            ranking,
            contests,
        })
    }
}

impl Outcome {
    /// What `experiment` says, whose platforms are the entrants.
    #[must_use]
    pub fn of(
        experiment: &Experiment,
        bounds: &Bounds,
        metrics: &[MetricId],
        reference: Option<&str>,
    ) -> Self {
        let comparison = Comparison::of(experiment);
        let standings = metrics
            .iter()
            .filter_map(|metric| Standings::of(experiment, bounds, *metric, reference))
            .collect();
        Self {
            comparison,
            standings,
        }
    }

    /// Who is where in `metric`.
    #[must_use]
    pub fn standings(&self, metric: MetricId) -> Option<&Standings> {
        self.standings.iter().find(|found| found.metric == metric)
    }
}

impl Standings {
    /// Who is where in `metric`; `None` where nobody has a value.
    fn of(
        experiment: &Experiment,
        bounds: &Bounds,
        metric: MetricId,
        reference: Option<&str>,
    ) -> Option<Self> {
        let names = &experiment.manifest.platforms;
        let range = metric.metric().range;
        let all: Vec<Values> = (0..names.len())
            .map(|entrant| Values::of_metric(experiment, entrant, metric))
            .collect();
        let present: Vec<usize> = (0..names.len()).filter(|i| !all[*i].is_empty()).collect();
        // Only within replications that all have do the same requests stand behind every value.
        let common: Vec<u32> = all[*present.first()?]
            .replications()
            .filter(|replication| present.iter().all(|i| all[*i].at(*replication).is_some()))
            .collect();
        let values = |entrant: usize| -> Vec<f64> {
            let of = |replication: &u32| all[entrant].at(*replication);
            common.iter().filter_map(of).collect()
        };
        let columns: Vec<Vec<f64>> = present.iter().map(|entrant| values(*entrant)).collect();
        let means: Vec<f64> = columns
            .iter()
            .map(|column| estimate(column, range).map_or(f64::NAN, |estimate| estimate.mean))
            .collect();
        let mut order: Vec<usize> = (0..present.len()).collect();
        order.sort_by(|&a, &b| {
            let [a, b] = [a, b].map(|i| as_loss(metric, means[i]));
            a.total_cmp(&b)
        });
        let judged = Judged::of(metric, &columns);
        let is_asked = |i: &usize| reference == Some(names[present[*i]].as_str());
        let against = order.iter().copied().find(is_asked).unwrap_or(order[0]);
        let block = |replication: usize| -> Vec<f64> {
            let of = |column: &Vec<f64>| as_loss(metric, column[replication]);
            ranks(&columns.iter().map(of).collect::<Vec<_>>())
        };
        let blocks: Vec<Vec<f64>> = (0..common.len()).map(block).collect();
        let row = |&i: &usize| {
            let entrant = present[i];
            let of_rank: Vec<f64> = blocks.iter().map(|block| block[i]).collect();
            let (own, beside) = beside(experiment, bounds, metric, entrant);
            Standing {
                entrant,
                name: names[entrant].clone(),
                estimate: estimate(&columns[i], range),
                difference: (i != against)
                    .then(|| paired(&columns[i], &columns[against], range))
                    .flatten(),
                is_clear: judged.are_apart(i, against),
                mean_rank: estimate(&of_rank, Range::Any),
                ranks: (common.len() > 1)
                    .then(|| possible_ranks(i, present.len(), |a, b| judged.is_before(a, b))),
                gap: paired(&own, &beside, range),
                bound: estimate(&beside, range).map(|bound| bound.mean),
            }
        };
        let mut rows: Vec<Standing> = order.iter().map(row).collect();
        let absent = (0..names.len()).filter(|entrant| !present.contains(entrant));
        rows.extend(absent.map(|entrant| Standing {
            entrant,
            name: names[entrant].clone(),
            estimate: None,
            difference: None,
            is_clear: false,
            mean_rank: None,
            ranks: None,
            gap: None,
            bound: None,
        }));
        Some(Self {
            metric,
            caveats: caveats(experiment, metric, &rows),
            rows,
            replications: common.len(),
        })
    }

    /// The entrant that is clearly better than every other, if there is one.
    #[must_use]
    pub fn winner(&self) -> Option<&Standing> {
        let ranked = self.rows.iter().filter(|row| row.ranks.is_some()).count();
        let is_first = |row: &&Standing| row.ranks == Some(1..=1);
        self.rows.iter().find(is_first).filter(|_| ranked > 1)
    }

    /// Those than whom nobody is clearly better.
    pub fn leaders(&self) -> impl Iterator<Item = &Standing> {
        let can_be_first =
            |row: &&Standing| row.ranks.as_ref().is_some_and(|ranks| *ranks.start() == 1);
        self.rows.iter().filter(can_be_first)
    }

    /// Whether all entrants have the same value in every replication.
    #[must_use]
    pub fn is_even(&self) -> bool {
        let mut ranked = self.rows.iter().filter_map(|row| row.mean_rank);
        let Some(first) = ranked.next() else {
            return false;
        };
        let is_same = |rank: &Estimate| {
            (rank.mean - first.mean).abs() < 1e-9
                && rank
                    .interval
                    .is_none_or(|interval| interval.half_width() == 0.0)
        };
        is_same(&first) && ranked.all(|rank| is_same(&rank))
    }

    /// What the standings say, in a sentence.
    #[must_use]
    pub fn finding(&self) -> String {
        let names: Vec<&str> = self.leaders().map(|row| row.name.as_str()).collect();
        let values = self
            .rows
            .iter()
            .filter(|row| row.estimate.is_some())
            .count();
        match (self.winner(), names.as_slice()) {
            (Some(winner), _) => format!("{} wins", winner.name),
            _ if values == 1 => format!("Only {} has a value", self.rows[0].name),
            _ if self.is_even() => {
                "No winner: all have the same value in every replication".to_owned()
            }
            (None, []) => "One replication cannot tell who wins".to_owned(),
            (None, names) if names.len() == values => {
                "No winner at 95 %: nobody can be told apart".to_owned()
            }
            (None, names) => format!(
                "No winner at 95 %: {} cannot be told apart",
                list(names).unwrap_or_default()
            ),
        }
    }
}

/// `value` such that the smallest is the best.
fn as_loss(metric: MetricId, value: f64) -> f64 {
    match metric.metric().better {
        Better::Higher => -value,
        Better::Lower | Better::Neither => value,
    }
}

/// All pairs of entrants, judged together.
struct Judged {
    count: usize,
    /// For each pair in order: the p-value after Holm's correction, and whether the first is better.
    pairs: Vec<(f64, bool)>,
}

impl Judged {
    fn of(metric: MetricId, columns: &[Vec<f64>]) -> Self {
        let range = metric.metric().range;
        let pairs = (0..columns.len()).flat_map(|a| (a + 1..columns.len()).map(move |b| (a, b)));
        let tested: Vec<(f64, bool)> = pairs
            .map(|(a, b)| {
                let Some(difference) = paired(&columns[a], &columns[b], range) else {
                    return (1.0, false);
                };
                // The scale that judges says the direction, too.
                let first_is_less = difference
                    .relative()
                    .map_or(difference.difference.mean < 0.0, |ratio| ratio.mean < 1.0);
                let is_better = match metric.metric().better {
                    Better::Higher => !first_is_less,
                    Better::Lower | Better::Neither => first_is_less,
                };
                (difference.p_value.unwrap_or(1.0), is_better)
            })
            .collect();
        let adjusted = holm(&tested.iter().map(|(p, _)| *p).collect::<Vec<_>>());
        Self {
            count: columns.len(),
            pairs: adjusted
                .into_iter()
                .zip(tested)
                .map(|(p, (_, is_better))| (p, is_better))
                .collect(),
        }
    }

    fn pair(&self, a: usize, b: usize) -> (f64, bool) {
        let (first, second) = (a.min(b), a.max(b));
        // Before the pairs of `first` there are those of all smaller ones.
        let before = first * (2 * self.count - first - 1) / 2;
        let (p, first_is_better) = self.pairs[before + second - first - 1];
        (p, first_is_better == (a == first))
    }

    /// Whether two entrants differ clearly.
    fn are_apart(&self, a: usize, b: usize) -> bool {
        a != b && self.pair(a, b).0 < 1.0 - CONFIDENCE
    }

    /// Whether `a` is clearly better than `b`.
    fn is_before(&self, a: usize, b: usize) -> bool {
        self.are_apart(a, b) && self.pair(a, b).1
    }
}

/// The values of an entrant in the replications that have a bound, and the bounds.
fn beside(
    experiment: &Experiment,
    bounds: &Bounds,
    metric: MetricId,
    entrant: usize,
) -> (Vec<f64>, Vec<f64>) {
    let pair = |run: &Run| Some((run.metrics.get(metric)?, bounds.beside(metric, run)?));
    experiment.of(entrant).filter_map(pair).unzip()
}

/// What to keep in mind: figures of the served requests flatter who serves fewer.
fn caveats(experiment: &Experiment, metric: MetricId, rows: &[Standing]) -> Vec<String> {
    if !is_of_served(metric) {
        return Vec::new();
    }
    let (done, noun) = if metric.kind() == walras_sim::record::Kind::Batch {
        (MetricId::JobsCompleted, "jobs")
    } else {
        (MetricId::Completed, "requests")
    };
    let completed = |entrant: usize| Values::of_metric(experiment, entrant, done);
    let names = &experiment.manifest.platforms;
    let ranked: Vec<usize> = rows
        .iter()
        .filter(|row| row.estimate.is_some())
        .map(|row| row.entrant)
        .collect();
    let mean = |entrant: usize| {
        let share = estimate(&completed(entrant).plain(), Range::Share);
        share.map_or(0.0, |share| share.mean)
    };
    let Some(most) = ranked
        .iter()
        .copied()
        .max_by(|a, b| mean(*a).total_cmp(&mean(*b)))
    else {
        return Vec::new();
    };
    let fewer: Vec<&str> = ranked
        .iter()
        .filter(|entrant| {
            let apart = completed(**entrant).against(&completed(most), Range::Share, true);
            apart.is_some_and(|apart| is_material(&apart))
        })
        .map(|entrant| names[*entrant].as_str())
        .collect();
    if fewer.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "{} completed clearly fewer {noun} than {}: this figure is of the served ones alone",
        list(&fewer).unwrap_or_default(),
        names[most]
    )]
}
