//! The command line: what a user can type.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{cores, overrides};

/// Simulates decentralized compute networks, their markets and schedulers, against the centralized cloud.
///
/// A scenario asks a question about platforms that meet the same requests. A run answers it with 95 % confidence
/// intervals, in the terminal and in one HTML file.
#[derive(Debug, Parser)]
#[command(name = "walras", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  walras list                                    the scenarios that come with walras
  walras run depin-vs-cloud                      run one of them
  walras run my.yaml --set run.seed=7            run your own, with one value changed
  walras run depin-vs-cloud --trace conv.csv     replay a recorded trace (Azure LLM CSV)
  walras run depin-vs-cloud --json | jq .digest  figures for programs
  walras sweep depin-vs-cloud --axis platforms.depin.fleets.home.nodes=300,1000,3000
  walras tournament scheduler-race --policies 'random,power-of-choices{d: 3},least-loaded'
  walras sensitivity --function ishigami         which parameters matter, tried where it is known
  walras tune --function branin                  the best values of parameters, tried where they are known
  walras compare runs/a runs/b                   what changed between two runs
  walras validate engine                         verify the simulator against queueing theory
  walras validate calibration                    hold the cost of inference against published measurements
  walras validate protocols                      hold the rules of protocols against their own test vectors
  walras import bench.json --like rtx-4090       a device from llama-bench -o json
  walras why slowest runs/a --platform depin     why the slowest job was slow
  walras replay runs/a --platform depin --until 'node[17].queue > 100'

Exit codes: 0 done; 1 failed; 2 the input is wrong; 130 interrupted, with what was finished kept.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and report what came out; one with the key `sweep` at all its points
    Run(RunArgs),
    /// Run a scenario at every combination of some values, and see how the answer moves
    Sweep(SweepArgs),
    /// Find out which parameters of a scenario move which figures (its key `sensitivity`)
    Sensitivity(SensitivityArgs),
    /// Find the values of some parameters that suit an objective best (the key `tune` of a scenario)
    Tune(TuneArgs),
    /// Find the value of a parameter at which two platforms have the same figure
    Breakeven(BreakevenArgs),
    /// Where an economy comes to rest, from few owners and from many, and whether it does
    Equilibrium(EquilibriumArgs),
    /// Race schedulers in some scenarios: who wins, with what confidence, and how far from what nobody can beat
    Tournament(TournamentArgs),
    /// Check scenarios, and report every problem at once with its place
    Check(CheckArgs),
    /// Show the results of a run again, and write its HTML report
    Report(ReportArgs),
    /// Compare two runs, platform by platform and figure by figure
    Compare(CompareArgs),
    /// Verify the simulator itself against theory
    #[command(subcommand)]
    Validate(Validate),
    /// Make a device out of what llama-bench, vLLM's benchmark or a table of operations measured
    Import(ImportArgs),
    /// List what happened in a run, from its event log
    Events(EventsArgs),
    /// Simulate one run again, to a time or until a condition holds, and step through it
    Replay(ReplayArgs),
    /// Write a timeline of one run for Perfetto (Chrome trace JSON): what each node does with each job
    Trace(TraceArgs),
    /// Tell the story of one job: what happened to it, and what the scheduler knew when it decided
    Why(WhyArgs),
    /// Write every movement of money in one replication of an economy, as CSV
    Journal(JournalArgs),
    /// Measure what the machines of an economy's network get done as more is wanted, for its model as a flow
    Goodput(GoodputArgs),
    /// Measure inference kernels on this machine, and write its profile for scenarios
    #[command(disable_help_flag = true)]
    Calibrate(CalibrateArgs),
    /// List the scenarios that come with walras, with the question that each answers
    List,
    /// Print the JSON Schema of scenarios, for editors
    Schema,
}

/// Arguments of `calibrate`, which go to the calibrator as they are.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// See `walras calibrate --help`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    pub arguments: Vec<OsString>,
}

/// What all commands take that run a scenario: what differs from it, and by how many threads.
#[derive(Clone, Debug, Args)]
pub struct Runs {
    /// Change one value of the scenario, such as `run.warm_up=10min`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Seed of all random streams [default: what the scenario says]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Independent repetitions; more of them make intervals narrower [default: what the scenario says]
    #[arg(long, value_name = "N")]
    pub replications: Option<u32>,
    /// Threads [default: one for each core]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

impl Runs {
    /// What is changed in a scenario, the seed and the replications among it.
    #[must_use]
    pub fn overrides(&self) -> Vec<(String, String)> {
        overrides(&self.set, self.seed, self.replications)
    }

    /// As many threads as asked for, or as there are cores.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.map_or_else(cores, usize::from)
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Path of a scenario, or the name of one from `walras list`
    pub scenario: PathBuf,
    /// Replay this trace (Azure LLM CSV, or Mooncake JSON lines) instead of the scenario's requests
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
    /// Directory for the results, new or empty [default: runs/SCENARIO, numbered]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep a row for every job in jobs.parquet; a million jobs take 0.3 GB of memory and 4 s
    #[arg(long)]
    pub record_jobs: bool,
    /// Write an event log of this replication of each platform [default: 0]; 10 bytes an event
    #[arg(
        long,
        value_name = "REPLICATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0"
    )]
    pub log_events: Option<u32>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Show every figure, not only the main ones
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Path of a scenario, or the name of one from `walras list`
    pub scenario: PathBuf,
    /// Values to try, such as `workload.rate_factor=1,2,5`, beside or instead of those of the scenario; may be repeated
    #[arg(long = "axis", value_name = "PATH=VALUES", value_parser = assignment)]
    pub axes: Vec<(String, String)>,
    /// Replay this trace at every point (as for `run`)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
    /// Directory for the results: new, or that of the same sweep, to go on with it [default: runs/SCENARIO, numbered]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep a row for every job in the jobs.parquet of each point
    #[arg(long)]
    pub record_jobs: bool,
    /// Show this figure, such as `ttft_p50`; may be repeated [default: those that the verdict rests on]
    #[arg(long = "metric", value_name = "NAME")]
    pub metrics: Vec<String>,
    /// Show every figure
    #[arg(long, conflicts_with = "metrics")]
    pub all: bool,
    /// Print one JSON object with all figures of all points instead of the table
    #[arg(long)]
    pub json: bool,
}

/// What all instruments take.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// Path of a scenario, or the name of one from `walras list`
    pub scenario: Option<PathBuf>,
    /// Instead of a scenario: a function whose answer is known
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Replay this trace at every point (as for `run`)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
    /// Directory for the results: new, or that of the same command, to go on with it [default: runs/SCENARIO.COMMAND, numbered]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object instead of the tables
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sensitivity`.
#[derive(Debug, Args)]
#[command(after_help = SENSITIVITY_HELP)]
pub struct SensitivityArgs {
    /// What is asked, and how.
    #[command(flatten)]
    pub study: StudyArgs,
    /// How: `sobol` or `morris` [default: what the scenario says]
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Rows of the design [default: what the scenario says]
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
}

/// Arguments of `tune`.
#[derive(Debug, Args)]
#[command(after_help = TUNE_HELP)]
pub struct TuneArgs {
    /// What is asked, and how.
    #[command(flatten)]
    pub study: StudyArgs,
    /// How it is searched: `grid`, `latin-hypercube`, `sobol`, `evolutionary` or `bayesian` [default: what the scenario says]
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Points to run [default: what the scenario says]
    #[arg(long, value_name = "N")]
    pub budget: Option<u32>,
}

/// Arguments of `breakeven`.
#[derive(Debug, Args)]
#[command(after_help = BREAKEVEN_HELP)]
pub struct BreakevenArgs {
    /// What is asked, and how.
    #[command(flatten)]
    pub study: StudyArgs,
    /// What varies, as `--set` takes it, such as `workload.rate_factor` [default: what the key `breakeven` of the scenario says]
    #[arg(long = "set-path", value_name = "PATH")]
    pub path: Option<String>,
    /// The lower end of its range, such as `1` or `5 min`
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// The upper end
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// How values lie between the ends: `linear`, `log`, `integer` or `log-integer`
    #[arg(long, value_name = "SCALE", default_value = "linear")]
    pub scale: String,
    /// The two platforms, such as `depin,cloud`
    #[arg(long, value_name = "FIRST,SECOND", value_delimiter = ',')]
    pub between: Vec<String>,
    /// The figure that is compared
    #[arg(
        long,
        value_name = "NAME",
        default_value = "cost_per_million_output_tokens"
    )]
    pub metric: String,
    /// Count the second figure so many times: 0.2 asks where the first is 80 % less [default: 1, or what the key says]
    #[arg(long, value_name = "FACTOR")]
    pub times: Option<f64>,
    /// End when the value is known to this part of the range [default: 0.005, or what the key says]
    #[arg(long, value_name = "SHARE")]
    pub tolerance: Option<f64>,
}

const BREAKEVEN_HELP: &str = "\
Examples:
  walras breakeven eighty-percent-cheaper            by the key `breakeven` of the scenario
  walras breakeven depin-vs-cloud --set-path workload.rate_factor --from 0.1 --to 10 --scale log --between depin,cloud
  walras breakeven --function root                   on a function that is zero at 3

All points meet the same random numbers, and each platform of a replication the same requests.";

const TUNE_HELP: &str = "\
Examples:
  walras tune mine.yaml                              by the key `tune` of the scenario
  walras tune --function branin --budget 40          on a function with a known minimum
  walras tune --function zdt1 --method evolutionary  on two objectives with a known front

What is proposed is run again with seeds that the search did not use, beside the scenario as it stands.
scenarios/INSTRUMENTS.md describes the key.";

const SENSITIVITY_HELP: &str = "\
Examples:
  walras sensitivity mine.yaml                       by the key `sensitivity` of the scenario
  walras sensitivity mine.yaml --method morris       first: which parameters do not matter?
  walras sensitivity --function ishigami             on a function with known indices

scenarios/INSTRUMENTS.md describes the key.";

/// Arguments of `tournament`.
#[derive(Debug, Args)]
#[command(after_help = TOURNAMENT_HELP)]
pub struct TournamentArgs {
    /// Paths of scenarios, or names from `walras list`; each of their platforms is a contest
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Schedulers with their parameters, as in YAML; with NAME= before one it is called so
    /// [default: those of each scenario's platforms]
    #[arg(long, value_name = "LIST")]
    pub policies: Option<String>,
    /// Race on this platform only; may be repeated [default: all that differ in more than their scheduler]
    #[arg(long = "platform", value_name = "NAME")]
    pub platforms: Vec<String>,
    /// Rank by this figure, such as `ttft_p50`; may be repeated
    /// [default: `slo_attainment`, `ttft_p99`, `cost_per_million_output_tokens`; of batch jobs `response_time_mean`, `bounded_slowdown_mean`, `makespan`]
    #[arg(long = "metric", value_name = "NAME")]
    pub metrics: Vec<String>,
    /// Compare with this scheduler [default: the best of each figure]
    #[arg(long, value_name = "POLICY")]
    pub baseline: Option<String>,
    /// Replay this trace in every scenario (as for `run`)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
    /// Directory for the results: new, or that of the same tournament, to go on with it [default: runs/tournament, numbered]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object instead of the tables
    #[arg(long)]
    pub json: bool,
}

const TOURNAMENT_HELP: &str = "\
Examples:
  walras tournament scheduler-race
  walras tournament scheduler-race churn --policies 'random,least-loaded,power-of-choices{d: 2}'
  walras tournament mine.yaml --policies 'random,three=power-of-choices{d: 3}' --metric ttft_p99

All schedulers of a contest meet the same requests and the same machines. Each contest is kept as a run
directory, with the schedulers as its platforms: `walras report`, `trace` and `why` look into it.";

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Paths or names of scenarios
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Change one value before checking; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Check this trace with them
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Directory of a run
    pub run: PathBuf,
    /// Where to write the report [default: report.html in the directory of the run]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Show every figure, not only the main ones
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Directory of the run to compare with
    pub before: PathBuf,
    /// Directory of the run to compare
    pub after: PathBuf,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Show every figure, not only the main ones
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Output of `llama-bench -o json`, of `vllm bench serve --save-result`, or CSV with the columns `op,m,n,k,dtype,time_us`
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Device of the catalog whose rates are expected where the measurements say nothing
    #[arg(long, value_name = "DEVICE")]
    pub like: String,
    /// Name of the new device [default: that of the first file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Model of the catalog that ran, where the files do not tell
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Its memory [GiB], if not that of the device it is like
    #[arg(long, value_name = "GIB")]
    pub memory: Option<f64>,
    /// Its peak memory bandwidth [10⁹ B/s], if not that of the device it is like
    #[arg(long, value_name = "GB/S")]
    pub bandwidth: Option<f64>,
    /// Its peak dense bf16 rate [10¹² FLOP/s], if not that of the device it is like
    #[arg(long, value_name = "TFLOPS")]
    pub tflops: Option<f64>,
    /// Where to write the device [default: NAME.yaml]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// What is verified.
#[derive(Debug, Subcommand)]
pub enum Validate {
    /// The engine: queues, networks and renewal processes against closed forms, Little's law in every scenario
    Engine(EngineArgs),
    /// The cost of inference: kernels, layers, steps and whole requests against published measurements
    Calibration(CalibrationArgs),
    /// The two fidelities of economies: request by request, and as a flow
    Fidelities(FidelitiesArgs),
    /// The rules of protocols: emission, vesting, escrow, fees and rewards against the protocols' own test vectors
    Protocols(ProtocolsArgs),
}

/// Arguments of `validate fidelities`.
#[derive(Debug, Args)]
pub struct FidelitiesArgs {
    /// Path of a scenario whose networks work on platforms, or the name of one from `walras list`
    #[arg(default_value = "two-fidelities")]
    pub scenario: PathBuf,
    #[command(flatten)]
    pub runs: Runs,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print the document analysis/FIDELITIES.md instead of the table
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `validate protocols`.
#[derive(Debug, Args)]
pub struct ProtocolsArgs {
    /// Folder with the vectors in `token` [default: `WALRAS_DATA`, else ../shared/data beside the project]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print the document analysis/PROTOCOLS.md instead of the table
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `validate calibration`.
#[derive(Debug, Args)]
pub struct CalibrationArgs {
    /// Folder with the measurements [default: `WALRAS_DATA`, else ../shared/data beside the project]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print the document scenarios/calibration/VALIDATION.md instead of the table
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `validate engine`.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// Run only the groups with this text in their title, such as `jackson`
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Seed of all groups but the coverage study, which has its own [default: that of the published tables];
    /// a right engine fails for one in a hundred at most
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads [default: one for each core]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print the document analysis/VALIDATION.md instead of the table
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
#[command(after_help = kinds())]
pub struct EventsArgs {
    /// Directory of a run made with --log-events
    pub run: PathBuf,
    /// Platform whose events to list [default: the only one that has a log]
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// From this simulated time on, such as 3h or 250ms
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Up to and including this simulated time
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only what is about this node
    #[arg(long, value_name = "N")]
    pub node: Option<u32>,
    /// Only what is about this job (number of the request, from zero)
    #[arg(long, value_name = "N")]
    pub job: Option<u64>,
    /// Only this kind; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Also events that were overtaken and changed nothing
    #[arg(long)]
    pub overtaken: bool,
    /// At most so many lines; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_HELP)]
pub struct ReplayArgs {
    /// Directory of a run
    pub run: PathBuf,
    /// Platform to simulate again
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// Replication to simulate again
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
    /// Go to this simulated time, such as 3h or 250ms, or to an event, such as #1000
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Go to where this first holds (with --to: from there on)
    #[arg(long, value_name = "CONDITION")]
    pub until: Option<String>,
    /// Then handle so many events, one by one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub step: u64,
    /// Print every change of this on the way; may be repeated
    #[arg(long = "watch", value_name = "EXPRESSION")]
    pub watches: Vec<String>,
    /// Print this in the end: an expression, node[17] or job[5]; may be repeated
    #[arg(long = "show", value_name = "WHAT")]
    pub shows: Vec<String>,
    /// Read no commands afterwards
    #[arg(long)]
    pub batch: bool,
    /// List the names that conditions know, with units and meaning, and end
    #[arg(long)]
    pub fields: bool,
}

/// One run: of those that were made, or of a scenario.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Directory of a run, path of a scenario, or name of one from `walras list` [default: the newest run in runs/]
    #[arg(value_name = "RUN|SCENARIO")]
    pub target: Option<PathBuf>,
    /// Platform to look at [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// Replication to look at
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replication: u32,
    /// Of a scenario: change one value; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Of a scenario: seed of all random streams
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Of a scenario: replay this trace (as for `run`)
    #[arg(long = "trace", value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
#[command(after_help = TRACE_HELP)]
pub struct TraceArgs {
    /// The run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// From this simulated time on, such as 3h or 250ms
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Up to this simulated time
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only these nodes and their jobs, such as 0-19,42
    #[arg(long, value_name = "LIST")]
    pub nodes: Option<String>,
    /// Where to write the trace [default: PLATFORM-REPLICATION.trace.json]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a Gantt chart of nodes and time instead
    #[arg(long, value_name = "FILE.svg", conflicts_with = "out")]
    pub gantt: Option<PathBuf>,
    /// End the trace at this size [MB]
    #[arg(long, value_name = "MB", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}

const TRACE_HELP: &str = "\
Open the file at https://ui.perfetto.dev (it stays on your machine) or in chrome://tracing. There is a process
for each node with its jobs: queue, prefill, decode; one for the jobs from submission to their end, with arrows
to where they were placed, lost and delivered; and one for levels: nodes, queues and prices.

Examples:
  walras trace runs/a --platform depin --from 2h --to 2h10m
  walras trace scheduler-race --platform least-loaded --nodes 0-9 --to 30m -o ten-nodes.json
  walras trace runs/a --platform depin --from 2h --to 2h5m --nodes 0-39 --gantt nodes.svg";

/// Arguments of `journal`.
#[derive(Debug, Args)]
#[command(after_help = JOURNAL_HELP)]
pub struct JournalArgs {
    /// The run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Where to write it [default: the terminal]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `goodput`.
#[derive(Debug, Args)]
#[command(after_help = GOODPUT_HELP)]
pub struct GoodputArgs {
    /// Path of a scenario whose networks work on platforms, or the name of one from `walras list`
    pub scenario: PathBuf,
    /// The network [default: the first with a platform]
    #[arg(long, value_name = "NAME")]
    pub network: Option<String>,
    /// What is wanted, in parts of what the nodes could do, such as `0.5,0.9,1.2` [default: 16 loads from 0.1 to 1.5]
    #[arg(long, value_name = "LOADS", value_delimiter = ',')]
    pub loads: Vec<f64>,
    #[command(flatten)]
    pub runs: Runs,
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

const GOODPUT_HELP: &str = "\
All owners are in, and requests come at each load from the beginning to the horizon of the scenario; what
counts is what is wanted and delivered after its warm-up. The last line is the key `goodput` of the network.

Examples:
  walras goodput two-fidelities
  walras goodput mine.yaml --network homes --loads 0.3,0.6,0.9,1.2 --set run.horizon=3d";

/// Arguments of `equilibrium`.
#[derive(Debug, Args)]
#[command(after_help = EQUILIBRIUM_HELP)]
pub struct EquilibriumArgs {
    /// Path of a scenario about economies, or the name of one from `walras list`
    pub scenario: PathBuf,
    /// The economy [default: all of the scenario]
    #[arg(long, value_name = "NAME")]
    pub economy: Option<String>,
    /// How long each way is followed [years]
    #[arg(long, value_name = "YEARS", default_value_t = 20.0)]
    pub years: f64,
    /// Replications, with other owners, that tell how fast a deviation from a rest goes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub replications: u16,
    /// Change one value of the scenario, such as `economies.half.networks.depin.take_rate=0.1`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Threads [default: one for each core]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Directory for the page [default: a fresh one in runs/]
    #[arg(long, value_name = "DIRECTORY")]
    pub out: Option<PathBuf>,
    /// Print one JSON array instead of the tables
    #[arg(long)]
    pub json: bool,
}

const EQUILIBRIUM_HELP: &str = "\
Growth, shocks and chance are taken out; the economy is then followed from 1, 10, 40 and 100 % of its owners, and from
a third of its price and three times that. At each rest demand is then pushed for a month, to tell how fast deviations go.

Examples:
  walras equilibrium burn-share
  walras equilibrium subsidy-end --economy never --years 40";

const JOURNAL_HELP: &str = "\
A row for each movement: when, of what, from whom (nobody: it was created) to whom (nobody: it was
destroyed), how many base units of 1e-9, and why. The books are those of the economy's first network.

Examples:
  walras journal subsidy-end --platform cliff -o journal.csv
  walras journal runs/a --replication 3";

/// Arguments of `why`.
#[derive(Debug, Args)]
#[command(after_help = WHY_HELP)]
pub struct WhyArgs {
    /// Number of the job in the order of submission, from zero; or `slowest`, `retried`, `failed`, `rejected`
    pub job: String,
    /// The run.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Print one JSON object instead of the story
    #[arg(long)]
    pub json: bool,
}

const WHY_HELP: &str = "\
`slowest` is the job with the longest time to first token; the others are the first of their kind.
At each decision the story shows what the scheduler could see: how many nodes it took for up and why
not all would do, the chosen node (>), and the best by predicted first token, price and jobs. All
figures are the dispatcher's own, as old as `heard` says; the story tells what came of them.";

const REPLAY_HELP: &str = "\
Conditions compare names with numbers and times, joined by and, or, not:
  node[17].queue > 100
  time >= 3h and jobs.waiting > 10 * nodes.busy
  any(node[*].kv > 0.9 * node[*].kv_capacity)
  job[123].state == ended
--fields lists the names. Commands are read from the terminal, or from a pipe; `help` lists them.";

fn kinds() -> String {
    let mut text = "Kinds:".to_owned();
    for (name, meaning) in walras_scenarios::event_log::KINDS {
        let _ = write!(text, "\n  {name:<9} {meaning}");
    }
    text
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path.to_owned(), value.to_owned())),
        _ => Err("expected PATH=VALUE, such as run.seed=7".to_owned()),
    }
}
