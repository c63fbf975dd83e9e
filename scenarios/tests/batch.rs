//! Recorded batch jobs: the published files, held against counts by other programs, and broken copies of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_scenarios::batch::{self, Batch, openb, wfcommons};
use walras_scenarios::issue::Source;
use walras_sim::cluster::job::Job;

/// A published file; `None` where the data are not at hand.
fn data(file: &str) -> Option<PathBuf> {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = data.join(file);
    if !path.exists() {
        println!("skipped: {file} is not there; set WALRAS_DATA");
    }
    path.exists().then_some(path)
}

fn read(file: &str) -> Option<Batch> {
    let path = data(file)?;
    Some(batch::read(&path).unwrap_or_else(|issues| panic!("{issues}")))
}

/// What is said of a text as the file `name`, without the folder.
fn problems(name: &str, text: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("batch");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    fs::write(&file, text).unwrap();
    let said = batch::read(&file).expect_err("it is broken").to_string();
    said.replace(&format!("{}/", directory.display()), "")
}

fn gpus(job: &Job) -> u64 {
    let task = &job.tasks[0];
    u64::from(task.workers) * u64::from(task.demand.gpus)
}

/// Of the 3,170 jobs 25 have no run time; the sums of cores and core seconds of the others are those that awk counts in the file.
#[test]
fn the_log_of_hpc2n() {
    let Some(batch) = read("traces/swf-hpc2n/hpc2n.swf") else {
        return;
    };
    assert_eq!((batch.jobs.len(), batch.left_out), (3_170 - 25, 25));
    assert_eq!(batch.users.0.len(), 17);
    let work = |job: &Job| u64::from(job.tasks[0].demand.cpu / 1_000) * seconds(job.tasks[0].work);
    let work: u64 = batch.jobs.iter().map(work).sum();
    assert_eq!(work, HPC2N_CORE_SECONDS);
    let first = &batch.jobs[0];
    assert_eq!(
        (first.submitted, first.tasks[0].workers),
        (SimTime::ZERO, 1)
    );
    assert_eq!(seconds(first.tasks[0].work), 31_405);
    assert_eq!(first.tasks[0].walltime, Some(Span::SECOND * 37_980));
    assert_eq!(first.tasks[0].demand.cpu, 30_000);
}

/// `awk '!/^;/ && NF && $4 >= 0 {s += $4 * $8} END {print s}'`.
const HPC2N_CORE_SECONDS: u64 = 502_634_281;

fn seconds(span: Span) -> u64 {
    span.as_nanos() / 1_000_000_000
}

/// 82,247 jobs of 15 virtual clusters; GPU seconds as the column `gpu_time`, which is not read, adds up to.
#[test]
fn the_jobs_of_philly() {
    let Some(path) = data("traces/philly/philly.csv") else {
        return;
    };
    let batch = batch::read(&path).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(batch.jobs.len(), 82_247);
    assert_eq!(batch.users.0.len(), 15);
    let text = fs::read_to_string(&path).unwrap();
    let column = |line: &str| {
        line.split(',')
            .nth(3)
            .map(|text| text.parse::<f64>().unwrap())
    };
    let published: f64 = text.lines().skip(1).filter_map(column).sum();
    let work = |job: &Job| gpus(job) as f64 * job.tasks[0].work.as_secs_f64();
    let read: f64 = batch.jobs.iter().map(work).sum();
    assert!(
        (read / published - 1.0).abs() < 1e-9,
        "{read} of {published}"
    );
    // From 2017-09-04 10:30:41 to 2017-12-22 08:02:11.
    assert_eq!(batch.jobs[0].submitted, SimTime::ZERO);
    let last = &batch.jobs[batch.jobs.len() - 1];
    assert_eq!(last.submitted, SimTime::ZERO + Span::SECOND * 9_408_690);
    assert!(batch.jobs.is_sorted_by_key(|job| job.submitted));
    // Twelve GPUs are two workers of six.
    let twelve = batch.jobs.iter().find(|job| gpus(job) == 12).unwrap();
    assert_eq!(
        (twelve.tasks[0].workers, twelve.tasks[0].demand.gpus),
        (2, 6)
    );
}

/// 1,523 nodes with 6,212 GPUs, and 8,152 pods: the counts of the FGD paper's data set.
#[test]
fn the_pods_and_nodes_of_openb() {
    let (Some(pods), Some(nodes)) = (
        read("traces/alibaba-openb/openb_pod_list_default.csv"),
        data("traces/alibaba-openb/openb_node_list_all_node.csv"),
    ) else {
        return;
    };
    assert_eq!(pods.jobs.len(), 8_152);
    let gpu = |gpus: u8| {
        pods.jobs
            .iter()
            .filter(move |job| job.tasks[0].demand.gpus == gpus)
    };
    assert_eq!(
        [0, 1, 2, 4, 8].map(|gpus| gpu(gpus).count()),
        [1_088, 6_989, 16, 15, 44]
    );
    let whole = gpu(1).filter(|job| job.tasks[0].demand.gpu_share == 1_000);
    assert_eq!(whole.count(), 3_911);
    let first = &pods.jobs[0].tasks[0];
    assert_eq!((first.demand.cpu, first.demand.memory), (12_000, 16_384));
    assert_eq!(first.work, Span::SECOND * 12_537_496);
    let text = fs::read_to_string(nodes).unwrap();
    let nodes = openb::nodes(&Arc::new(Source {
        name: "n.csv".into(),
        text,
    }))
    .unwrap();
    assert_eq!(nodes.len(), 1_523);
    assert_eq!(
        nodes.iter().map(|node| u32::from(node.gpus)).sum::<u32>(),
        6_212
    );
    assert_eq!(nodes.iter().filter(|node| node.label == "G2").count(), 549);
}

#[test]
fn models_of_gpus_are_labels() {
    let source = Arc::new(Source {
        name: "p.csv".into(),
        text: format!("{PODS}p,1,1,1,500,A|B,LS,Running,5,9,6\nq,1,1,1,500,B,LS,Pending,7,9,\n"),
    });
    let batch = openb::pods(&source).unwrap();
    assert_eq!(batch.labels.0, ["A", "B"]);
    let labels = batch.jobs.iter().map(|job| job.tasks[0].demand.labels);
    assert_eq!(labels.collect::<Vec<_>>(), [0b11, 0b10]);
    let works = batch.jobs.iter().map(|job| seconds(job.tasks[0].work));
    assert_eq!(works.collect::<Vec<_>>(), [3, 2]);
}

const PODS: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";

/// Tasks, links, bytes between tasks, run times in all and on the longest path: counted in the files by a program of another language.
#[test]
fn the_workflows() {
    for (file, tasks, links, bytes, work, path) in [
        (
            "1000genome-chameleon-2ch-100k-001",
            52,
            76,
            11_240_567,
            2_771.295,
            204.686,
        ),
        ("blast-chameleon-small-001", 43, 120, 794, 382.913, 10.413),
        (
            "bwa-chameleon-small-001",
            104,
            400,
            17_612_492,
            379.989,
            91.371,
        ),
        (
            "cycles-chameleon-1l-1c-9p-001",
            67,
            97,
            1_716_598,
            862.699,
            163.415,
        ),
        (
            "epigenomics-chameleon-hep-1seq-100k-001",
            41,
            48,
            353_323_676,
            539.307,
            104.822,
        ),
        (
            "montage-chameleon-dss-05d-001",
            58,
            114,
            7_139_413_893,
            5_585.811,
            559.794,
        ),
        (
            "seismology-chameleon-100p-001",
            101,
            100,
            605_920,
            71.893,
            2.84,
        ),
        (
            "soykb-chameleon-10fastq-10ch-001",
            96,
            194,
            22_288_969,
            11_814.517,
            2_933.276,
        ),
    ] {
        let Some(name) = data(&format!("workflows/{file}.json")) else {
            continue;
        };
        let text = fs::read_to_string(name).unwrap();
        let source = Arc::new(Source {
            name: file.into(),
            text,
        });
        let workflow = wfcommons::parse(&source).unwrap_or_else(|issues| panic!("{issues:?}"));
        let job = &workflow.job;
        assert_eq!(job.tasks.len(), tasks, "{file}");
        let parents = || job.tasks.iter().flat_map(|task| &task.parents);
        assert_eq!(parents().count(), links, "{file}");
        assert_eq!(
            parents().map(|(_, bytes)| bytes).sum::<u64>(),
            bytes,
            "{file}"
        );
        let sum: f64 = job.tasks.iter().map(|task| task.work.as_secs_f64()).sum();
        assert!((sum - work).abs() < 1e-3, "{file}: {sum} s");
        let mut ends: Vec<f64> = Vec::new();
        for (place, task) in job.tasks.iter().enumerate() {
            assert!(
                task.parents
                    .iter()
                    .all(|(parent, _)| (*parent as usize) < place)
            );
            let ready = task
                .parents
                .iter()
                .map(|(parent, _)| ends[*parent as usize]);
            ends.push(ready.fold(0.0, f64::max) + task.work.as_secs_f64());
        }
        let longest = ends.into_iter().fold(0.0, f64::max);
        assert!((longest - path).abs() < 1e-3, "{file}: {longest} s");
        assert!(
            workflow
                .machines
                .iter()
                .all(|machine| machine.cpu >= 24_000),
            "{file}"
        );
    }
}

/// A log with comments, three columns more, a job that never ran, and one whose request is unknown.
#[test]
fn a_log_with_more_columns() {
    let text = "; MaxProcs: 8\n\
        1 100 5 60 4 -1 -1 4 120 2048 1 7 1 1 1 1 -1 -1 gold x 3\n\
        2 110 -1 -1 -1 -1 -1 2 120 -1 5 7 1 1 1 1 -1 -1 gold x 3\n\
        3 130 0 0 2 -1 -1 -1 -1 -1 1 9 1 1 1 1 -1 -1 gold x 3\n";
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("extra.swf");
    fs::write(&file, text).unwrap();
    let batch = batch::read(&file).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!((batch.jobs.len(), batch.left_out), (2, 1));
    let [first, last] = &batch.jobs[..] else {
        unreachable!()
    };
    assert_eq!(
        (first.tasks[0].demand.cpu, first.tasks[0].demand.memory),
        (4_000, 8)
    );
    assert_eq!((last.tasks[0].demand.cpu, last.user), (2_000, 1));
    assert_eq!(
        (last.submitted, last.tasks[0].work),
        (SimTime::ZERO + Span::SECOND * 30, Span::SECOND)
    );
    assert_eq!(last.tasks[0].walltime, None);
}

#[test]
fn broken_logs() {
    let text = "; a comment\n1 100 5 60 4 -1 -1 4 120 2048 1 7 1 1 1 1 -1 -1\n\
        2 110 5 sixty 4 -1 -1 4 120 2048 1 7 1 1 1 1 -1 -1\n\
        3 120 5 60 4 -1 -1 -1.5 120 2048 1 7 1 1 1 1 -1 -1\n4 130 5 60 4 -1\n";
    let expect = "\
error: column `run time`: expected a number from -1 to 9000000000, found `sixty`
 --> a.swf:3:9
  |
3 | 2 110 5 sixty 4 -1 -1 4 120 2048 1 7 1 1 1 1 -1 -1
  |         ^^^^^

error: column `requested processors`: expected a number from -1 to 4000000, found `-1.5`
 --> a.swf:4:20
  |
4 | 3 120 5 60 4 -1 -1 -1.5 120 2048 1 7 1 1 1 1 -1 -1
  |                    ^^^^

error: column `used memory` is missing: the row ends after 6 of at least 7 columns
 --> a.swf:5:15
  |
5 | 4 130 5 60 4 -1
  |               ^
  = help: complete or remove this row; the file may be cut off

3 problems in a.swf";
    assert_eq!(problems("a.swf", text), expect);
    let said = problems("b.swf", "; nothing but comments\n");
    assert!(
        said.starts_with("error: the log has no jobs that ran\n"),
        "{said}"
    );
    let said = problems("c.swf", &"1 2 3\n".repeat(50));
    assert!(
        said.contains("error: 40 more broken lines, from this one on"),
        "{said}"
    );
    assert!(said.ends_with("11 problems in c.swf"), "{said}");
}

#[test]
fn broken_tables() {
    let text = "timestamp,duration,gpus,cluster\n2017-10-09 07:01:55,66.0,1,11cb48\n";
    let expect = "\
error: missing column `num_gpus`
 --> a.csv:1:1
  |
1 | timestamp,duration,gpus,cluster
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: known columns: timestamp, duration, gpus, cluster

1 problem in a.csv";
    assert_eq!(problems("a.csv", text), expect);
    let header = "timestamp,duration,num_gpus,gpu_time,cluster\n";
    let rows = "2017-10-09,66.0,1,66.0,a\n2017-10-09 07:01:55,-66.0,1,66.0,a\n2017-10-09 07:01:55,66.0,1.5,66.0,a\n2017-10-09 07:01:55,66.0\n";
    let said = problems("b.csv", &format!("{header}{rows}"));
    for line in [
        "column `timestamp`: expected a time such as `2017-10-09 07:01:55`, found `2017-10-09`\n --> b.csv:2:1\n",
        "column `duration`: expected a number from 0.001 to 9000000000, found `-66.0`\n --> b.csv:3:21\n",
        "column `num_gpus`: expected a whole number from 1 to 100000, found `1.5`\n --> b.csv:4:26\n",
        "column `num_gpus` is missing: the row ends after 2 of at least 3 columns\n --> b.csv:5:24\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    let said = problems(
        "c.csv",
        &format!("{PODS}p,1,1,2,500,,LS,Running,5,9,6\np,1,1,1,500,,LS,Running,5,4,6\n"),
    );
    for line in [
        "column `gpu_milli`: expected 1000, as the pod has several GPUs, found `500`\n --> c.csv:2:9\n",
        "column `deletion_time`: expected a number from 5 to 9000000000, found `4`\n --> c.csv:3:27\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    let said = problems("d.csv", PODS);
    assert!(said.starts_with("error: the file has no rows\n"), "{said}");
}

/// A workflow of three tasks, a → b → c.
const CHAIN: &str = r#"{"workflow": {"specification": {"tasks": [
{"id": "c", "parents": ["b"], "inputFiles": ["y"], "outputFiles": []},
{"id": "a", "parents": [], "inputFiles": [], "outputFiles": ["x"]},
{"id": "b", "parents": ["a"], "inputFiles": ["x"], "outputFiles": ["y"]}],
"files": [{"id": "x", "sizeInBytes": 10}, {"id": "y", "sizeInBytes": 20}]},
"execution": {"tasks": [
{"id": "a", "runtimeInSeconds": 1},
{"id": "b", "runtimeInSeconds": 2.5, "coreCount": 4},
{"id": "c", "runtimeInSeconds": 3}]}}}
"#;

#[test]
fn broken_workflows() {
    let text = CHAIN.to_owned();
    let source = Arc::new(Source {
        name: "w.json".into(),
        text,
    });
    let workflow = wfcommons::parse(&source).unwrap();
    assert_eq!(workflow.names, ["a", "b", "c"]);
    let parents = workflow.job.tasks.iter().map(|task| &task.parents[..]);
    assert_eq!(
        parents.collect::<Vec<_>>(),
        [&[][..], &[(0, 10)], &[(1, 20)]]
    );
    assert_eq!(workflow.job.tasks[1].demand.cpu, 4_000);
    for (from, to, expect) in [
        (
            r#""id": "a", "parents": []"#,
            r#""id": "a", "parents": ["c"]"#,
            "error: the tasks wait for each other: c → a → b → c\n --> w.json:2:",
        ),
        (
            r#"["b"]"#,
            r#"["bb"]"#,
            "error: task `c`: its parent `bb` does not exist\n --> w.json:2:25\n",
        ),
        (
            r#""runtimeInSeconds": 2.5"#,
            r#""runtimeInSeconds": "long""#,
            "error: `b`: `runtimeInSeconds` must be a number, found `long`\n --> w.json:8:33\n",
        ),
        (
            r#"{"id": "a", "runtimeInSeconds": 1},"#,
            "",
            "error: task `a` is not in `execution.tasks`: how long it takes is unknown\n --> w.json:3:8\n",
        ),
        (
            r#"{"id": "c", "runtimeInSeconds": 3}"#,
            r#"{"id": "d", "runtimeInSeconds": 3}"#,
            "error: task `d` ran, and is not in the specification\n --> w.json:9:8\n",
        ),
        (
            r#"{"id": "b", "parents""#,
            r#"{"id": "a", "parents""#,
            "error: two tasks have the id `a`\n --> w.json:4:8\n",
        ),
        (
            r#""execution""#,
            r#""run""#,
            "error: missing `execution` of the workflow\n",
        ),
        (
            "\"coreCount\": 4},\n{\"id\": \"c\", \"runtimeInSeconds\": 3}]}}}\n",
            "\"core",
            "error: this is not JSON: EOF while parsing a string\n --> w.json:8:42\n",
        ),
    ] {
        assert!(CHAIN.contains(from), "{from}");
        let said = problems("w.json", &CHAIN.replacen(from, to, 1));
        assert!(said.contains(expect), "expected {expect}\nfound {said}");
        assert!(said.contains("= help: "), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let said = batch::read(Path::new("nowhere.swf"))
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("error: cannot read the jobs `nowhere.swf`: "),
        "{said}"
    );
}
