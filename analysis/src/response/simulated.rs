//! A scenario as a response: each point is a run directory of a campaign, which is run once and read back wherever it is asked for.

use std::collections::BTreeMap;
use std::path::Path;

use walras_scenarios::run::Options;
use walras_scenarios::study::{Output, Parameter, Setting, Study};
use walras_scenarios::sweep::Point;

use super::{Answer, Quantity, Response, Seeds, Unanswered};
use crate::campaign::{Campaign, CampaignError, Watch};
use crate::compare::Values;
use crate::experiment::Experiment;

/// Paths and values of a point, as `--set` takes them.
pub type Overrides = Vec<(String, String)>;

/// Makes who looks on at the points of a round: which they are, which are finished already, and what each sets.
pub type Watching<'a> = dyn Fn(&[&Point], &[bool], &[Overrides]) -> Box<dyn Watch> + 'a;

/// A scenario that is run where it is asked.
pub struct Simulated<'a> {
    study: &'a Study,
    outputs: Vec<Output>,
    quantities: Vec<Quantity>,
    directory: &'a Path,
    options: Options<'a>,
    watching: &'a Watching<'a>,
    what: &'static str,
    beside: &'a [&'a str],
    /// Whether later rounds follow, whose points may lie in the directory already.
    in_rounds: bool,
    /// What was asked before, by what was set.
    known: BTreeMap<(Seeds, Vec<String>), Answer>,
    /// Points so far, by kind of seeds.
    asked: [usize; 2],
}

impl<'a> Simulated<'a> {
    /// `study` with the figures `outputs`, run in `directory`, in which `beside` may lie, too; `what` is it in a word. With
    /// `in_rounds`, it will be asked more than once.
    #[must_use]
    pub fn new(
        study: &'a Study,
        outputs: Vec<Output>,
        directory: &'a Path,
        options: Options<'a>,
        watching: &'a Watching<'a>,
        (what, beside): (&'static str, &'a [&'a str]),
        in_rounds: bool,
    ) -> Self {
        let quantity = |output: &Output| Quantity {
            name: format!("{} of {}", output.metric.metric().name, output.of),
            metric: Some(output.metric),
            of: output.of.clone(),
        };
        Self {
            study,
            quantities: outputs.iter().map(quantity).collect(),
            outputs,
            directory,
            options,
            watching,
            what,
            beside,
            in_rounds,
            known: BTreeMap::new(),
            asked: [0; 2],
        }
    }

    /// How many points were run, or read back, with the seeds of the scenario and with fresh ones.
    #[must_use]
    pub fn points(&self) -> [usize; 2] {
        self.asked
    }
}

/// The values of `outputs` in `experiment`.
fn answer(outputs: &[Output], experiment: &Experiment) -> Answer {
    let of = |output: &Output| -> Vec<Option<f64>> {
        let values = |platform| Values::of_metric(experiment, platform, output.metric);
        let own = values(output.platform);
        let less = output.minus.map(values);
        (0..experiment.manifest.replications)
            .map(|replication| match &less {
                None => own.at(replication),
                Some(less) => Some(own.at(replication)? - less.at(replication)?),
            })
            .collect()
    };
    outputs.iter().map(of).collect()
}

/// Another seed than `seed`: streams of different seeds are independent.
fn fresh(seed: u64) -> u64 {
    seed.checked_add(1).unwrap_or(0)
}

fn key(seeds: Seeds, settings: &[Setting]) -> (Seeds, Vec<String>) {
    let texts = settings.iter().map(|setting| setting.text.clone());
    (seeds, texts.collect())
}

impl Response for Simulated<'_> {
    fn parameters(&self) -> &[Parameter] {
        &self.study.parameters
    }

    fn quantities(&self) -> &[Quantity] {
        &self.quantities
    }

    fn stands(&self) -> bool {
        true
    }

    fn answers(
        &mut self,
        points: &[Vec<Setting>],
        seeds: Seeds,
    ) -> Result<Vec<Answer>, Unanswered> {
        let study = self.study;
        let (prefix, seed) = match seeds {
            Seeds::Own => ("point", None),
            Seeds::Fresh => ("fresh", Some(fresh(study.stands.plan.seed))),
        };
        let (mut keys, mut new) = (Vec::new(), Vec::<&Vec<Setting>>::new());
        for settings in points {
            let key = key(seeds, settings);
            if !self.known.contains_key(&key) && !keys.contains(&key) {
                keys.push(key);
                new.push(settings);
            }
        }
        let mut planned = Vec::with_capacity(new.len());
        for (index, settings) in new.iter().enumerate() {
            let name = format!("{prefix}-{:04}", self.asked[seeds as usize] + index + 1);
            let point = study.point(name, settings, seed);
            planned.push(point.map_err(CampaignError::Changed)?);
        }
        let planned: Vec<&Point> = planned.iter().collect();
        let rounds: &[&str] = if self.in_rounds {
            &["point-", "fresh-"]
        } else {
            &[]
        };
        let campaign = Campaign {
            what: self.what,
            points: &planned,
            load: &|index| study.scenario_with(new[index], seed),
            beside: self.beside,
            rounds,
        };
        let done = campaign.finished(self.directory)?;
        let overrides = |settings: &&Vec<Setting>| -> Overrides {
            let pairs = study.parameters.iter().zip(settings.iter());
            let mut all: Overrides = pairs
                .filter(|(_, setting)| !setting.is_untouched())
                .map(|(parameter, setting)| (parameter.path.clone(), setting.text.clone()))
                .collect();
            all.extend(seed.map(|seed| ("run.seed".to_owned(), seed.to_string())));
            all
        };
        let overrides: Vec<Overrides> = new.iter().map(overrides).collect();
        let watch = (self.watching)(&planned, &done, &overrides);
        let outputs = &self.outputs;
        let read = |_, experiment: Experiment| Ok(answer(outputs, &experiment));
        let answers = campaign.carry_out(self.directory, &self.options, watch.as_ref(), &read)?;
        self.asked[seeds as usize] += new.len();
        for (key, answer) in keys.into_iter().zip(answers) {
            self.known.insert(key, answer.ok_or(Unanswered::Stopped)?);
        }
        let of = |settings: &Vec<Setting>| self.known[&key(seeds, settings)].clone();
        Ok(points.iter().map(of).collect())
    }
}
