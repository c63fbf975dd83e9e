//! The event log of a run: every event with its time, what it was about and what came of it, in compact blocks with an index.
//!
//! ```text
//! magic "WALRASEV", format (u32), length of the header (u32), header (JSON)
//! blocks of 4,096 events
//! index: 40 bytes for each block (offset, first event, its time, digest before it, checksum)
//! foot: 56 bytes (offset of the index, blocks, events, time of the last, digest, checksum, magic "WALRASND")
//! ```
//!
//! Fixed numbers are little-endian. Within a block, a record is a byte that says its kind and which parts follow, and the parts
//! as varints (LEB128): nanoseconds since the event before, id and stamp as the digest has them, then the job as a difference to
//! the job of the record before (zigzag), then the node. Each block starts from zero, so any block is read by itself.
//! `scenarios/EVENT_LOG.md` says it in full.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use walras_des::{Digest, Event as _, SimTime};
use walras_sim::ids::NodeId;
use walras_sim::record::{Fate, JobRow, Output, Recorder, Subject};
use walras_sim::world::Event;

use crate::plan::Plan;

/// Format of event logs that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Events in a block: 40 kB, read in well under a millisecond.
const BLOCK_EVENTS: u64 = 4096;

const MAGIC: &[u8; 8] = b"WALRASEV";
const END: &[u8; 8] = b"WALRASND";
const ENTRY_BYTES: usize = 40;
const FOOT_BYTES: u64 = 56;
/// A longer header is not ours.
const MAX_HEADER: u32 = 1 << 16;

/// Kinds of record, by their code: events by rank, notes on the event before them, and events of later ranks.
pub const KINDS: [(&str, &str); 20] = [
    ("arrive", "a request is submitted"),
    ("deliver", "a placed job reaches its node"),
    ("boundary", "a step of a node's server ends"),
    ("down", "a node leaves"),
    ("up", "a node comes up"),
    ("notice", "the dispatcher notices that a node has left"),
    ("lost", "the dispatcher takes a placed job for lost"),
    (
        "wake",
        "the scheduler is woken as it asked for, or nodes report to it",
    ),
    ("patience", "a waiting customer gives up"),
    ("scale", "the controller of a fleet decides"),
    ("reprice", "the base fee moves"),
    ("sample", "the state is sampled"),
    ("audit", "the books are held"),
    ("horizon", "no request arrives any more"),
    ("placed", "the event before placed a job on a node"),
    ("ended", "the event before ended a job"),
    ("outage", "an outage begins or ends"),
    ("ready", "a node has what it needs to serve"),
    (
        "kv-sent",
        "the last byte of a context has left the node that computed it",
    ),
    ("kv-landed", "a context is at the node that goes on with it"),
];

const PLACED: u8 = 14;
const ENDED: u8 = 15;
/// Codes between the ranks below 14 and those from 14 on.
const NOTES: u8 = 2;
const STALE: u8 = 1 << 4;
const HAS_JOB: u8 = 1 << 5;
const HAS_NODE: u8 = 1 << 6;
/// The code is in the next byte, and an id and a stamp follow.
const WIDE: u8 = 1 << 7;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// An event.
    Event(Event, Subject),
    /// The event before placed a job on a node.
    Placed {
        /// Number of the request.
        job: u64,
        /// The node.
        node: NodeId,
    },
    /// The event before ended a job.
    Ended {
        /// Number of the request.
        job: u64,
        /// How.
        fate: Fate,
        /// Who delivered it.
        node: Option<NodeId>,
    },
}

/// One line of the log.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// When.
    pub at: SimTime,
    /// Number of the event, from one: that of the state after it.
    pub number: u64,
    /// What.
    pub what: What,
}

impl What {
    /// Index into [`KINDS`].
    #[must_use]
    pub fn kind(&self) -> usize {
        usize::from(match self {
            Self::Event(event, _) => code(event.rank()),
            Self::Placed { .. } => PLACED,
            Self::Ended { .. } => ENDED,
        })
    }

    /// The job that it is about.
    #[must_use]
    pub fn job(&self) -> Option<u64> {
        match *self {
            Self::Event(_, subject) => subject.job,
            Self::Placed { job, .. } | Self::Ended { job, .. } => Some(job),
        }
    }

    /// The node that it is about.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        match *self {
            Self::Event(_, subject) => subject.node,
            Self::Placed { node, .. } => Some(node),
            Self::Ended { node, .. } => node,
        }
    }

    /// Whether it was overtaken, and changed nothing.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Event(_, subject) if subject.is_stale)
    }
}

impl fmt::Display for What {
    /// In plain words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = self
            .job()
            .map_or_else(|| "a job".to_owned(), |job| format!("job {job}"));
        let node = self
            .node()
            .map_or_else(|| "its node".to_owned(), |node| format!("node {}", node.0));
        match self {
            Self::Placed { .. } => write!(f, "  {job} is placed on {node}"),
            Self::Ended { fate, .. } => match fate {
                Fate::Completed => write!(f, "  {job} is completed by {node}"),
                Fate::Failed => write!(f, "  {job} is given up after its last attempt"),
                Fate::Rejected => write!(f, "  {job} is rejected"),
            },
            Self::Event(event, subject) => {
                match event {
                    Event::Arrive => write!(f, "{job} arrives"),
                    Event::Deliver { .. } => write!(f, "{job} reaches {node}"),
                    Event::Boundary { .. } => write!(f, "{node} ends a step"),
                    Event::Down { .. } => write!(f, "{node} leaves"),
                    Event::Up { .. } => write!(f, "{node} comes up"),
                    Event::Notice { .. } => {
                        write!(f, "the dispatcher notices that {node} has left")
                    }
                    Event::Lost { .. } => write!(f, "{job} is taken for lost on {node}"),
                    Event::Patience { .. } => write!(f, "the customer of {job} gives up"),
                    Event::Wake => write!(f, "the scheduler wakes"),
                    Event::Refresh { node: None } => write!(f, "all nodes report"),
                    Event::Refresh { node: Some(node) } => write!(f, "node {} reports", node.0),
                    Event::Scale { fleet } => write!(f, "fleet {} is scaled", fleet.0),
                    Event::Reprice => write!(f, "the base fee moves"),
                    Event::Sample => write!(f, "the state is sampled"),
                    Event::Audit => write!(f, "the books are held"),
                    Event::Outage { source } => write!(f, "outage {source} begins or ends"),
                    Event::Ready { .. } => write!(f, "{node} is ready to serve"),
                    Event::KvSent { .. } => write!(f, "a context has been sent"),
                    Event::KvLanded { .. } => {
                        write!(f, "the context of {job} has left {node} for the next")
                    }
                    Event::Horizon => write!(f, "no request arrives any more"),
                }?;
                if subject.is_stale {
                    write!(f, " (overtaken)")?;
                }
                Ok(())
            }
        }
    }
}

/// Why an event log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refused.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else.
    #[error("`{}` is not an event log of walras", .0.display())]
    NotALog(PathBuf),
    /// Another format.
    #[error("`{}` has format {found}, this version reads format {FORMAT}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The end is missing.
    #[error("`{}` is cut short: its end mark is missing\n  help: copy it again, or repeat the run with --log-events", .0.display())]
    CutShort(PathBuf),
    /// A part is not what was written.
    #[error("`{}` is damaged: {what}\n  help: copy it again, or repeat the run with --log-events", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part, and how that shows.
        what: String,
    },
}

/// What a log is a log of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the simulator.
    pub walras: String,
    /// Name of the platform.
    pub platform: String,
    /// The replication.
    pub replication: u32,
    /// The seed.
    pub seed: u64,
}

impl Header {
    /// The header of the log of one run of `plan`.
    #[must_use]
    pub fn of(plan: &Plan, platform: usize, replication: u32) -> Self {
        Self {
            walras: env!("CARGO_PKG_VERSION").to_owned(),
            platform: plan.names()[platform].to_owned(),
            replication,
            seed: plan.seed,
        }
    }
}

/// A part of the log that is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it starts in the file.
    offset: u64,
    /// Events before it.
    pub events_before: u64,
    /// When its first event happens.
    pub start: SimTime,
    /// Fingerprint of all events before it.
    pub digest_before: u64,
    checksum: u64,
}

/// Writes the log of one run to any sink, block by block; it keeps 40 kB, and 40 bytes for each block written.
pub struct Writer<W> {
    sink: W,
    written: u64,
    block: Vec<u8>,
    index: Vec<Block>,
    events: u64,
    digest: Digest,
    last: SimTime,
    last_job: u64,
    problem: Option<io::Error>,
}

impl<W: Write> Writer<W> {
    /// A log with this header.
    ///
    /// # Errors
    /// If the sink refuses.
    ///
    /// # Panics
    /// Never: a header is plain data.
    pub fn new(mut sink: W, header: &Header) -> io::Result<Self> {
        let header = serde_json::to_vec(header).expect("a header is plain data");
        let length = u32::try_from(header.len()).expect("a header is short");
        let mut start = Vec::from(MAGIC);
        start.extend(FORMAT.to_le_bytes());
        start.extend(length.to_le_bytes());
        start.extend(header);
        sink.write_all(&start)?;
        Ok(Self {
            sink,
            written: start.len() as u64,
            block: Vec::new(),
            index: Vec::new(),
            events: 0,
            digest: Digest::new(),
            last: SimTime::ZERO,
            last_job: 0,
            problem: None,
        })
    }

    fn begin_block(&mut self, at: SimTime) {
        self.index.push(Block {
            offset: self.written,
            events_before: self.events,
            start: at,
            digest_before: self.digest.as_u64(),
            checksum: 0,
        });
        (self.last, self.last_job) = (at, 0);
    }

    /// What cannot be written is dropped: the run goes on, and [`Writer::finish`] says so.
    fn end_block(&mut self) {
        if let Some(block) = self.index.last_mut() {
            block.checksum = checksum(&self.block);
        }
        if self.problem.is_none() {
            self.problem = self.sink.write_all(&self.block).err();
        }
        self.written += self.block.len() as u64;
        self.block.clear();
    }

    fn event(&mut self, at: SimTime, rank: u8, word: u64, subject: Subject) {
        if self.events.is_multiple_of(BLOCK_EVENTS) {
            if self.events > 0 {
                self.end_block();
            }
            self.begin_block(at);
        }
        let event = Event::decode(rank, word).expect("every event has a rank and a word");
        // The word of an event about a node has the node already.
        let node = subject.node.filter(|_| !names_node(&event));
        let code = code(rank);
        let is_wide = code > ENDED || !has_word(rank) && word != 0;
        let mut first = if is_wide { WIDE } else { code };
        first |= if subject.is_stale { STALE } else { 0 };
        first |= if subject.job.is_some() { HAS_JOB } else { 0 };
        first |= if node.is_some() { HAS_NODE } else { 0 };
        self.block.push(first);
        if is_wide {
            self.block.push(code);
        }
        put(&mut self.block, (at - self.last).as_nanos());
        if is_wide || has_word(rank) {
            put(&mut self.block, word >> 32);
            put(&mut self.block, word & u64::from(u32::MAX));
        }
        if let Some(job) = subject.job {
            self.job(job);
        }
        if let Some(node) = node {
            put(&mut self.block, u64::from(node.0));
        }
        self.digest.event(at, rank, word);
        self.events += 1;
        self.last = at;
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        self.block.push(PLACED);
        self.job(job);
        put(&mut self.block, u64::from(node.0));
    }

    fn ended(&mut self, row: &JobRow) {
        let fate = match row.fate {
            Fate::Completed => 0,
            Fate::Failed => 1,
            Fate::Rejected => 2,
        };
        let node = if row.node.is_some() { HAS_NODE } else { 0 };
        self.block.push(ENDED | fate << 4 | node);
        self.job(row.serial);
        if let Some(node) = row.node {
            put(&mut self.block, u64::from(node.0));
        }
    }

    fn job(&mut self, job: u64) {
        let difference = job.wrapping_sub(self.last_job).cast_signed();
        put(
            &mut self.block,
            (difference << 1 ^ difference >> 63).cast_unsigned(),
        );
        self.last_job = job;
    }

    /// Writes index and foot, and gives the sink back.
    ///
    /// # Errors
    /// If the sink refused anything.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_block();
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let mut end = Vec::with_capacity(self.index.len() * ENTRY_BYTES);
        for block in &self.index {
            for word in [
                block.offset,
                block.events_before,
                block.start.as_nanos(),
                block.digest_before,
                block.checksum,
            ] {
                end.extend(word.to_le_bytes());
            }
        }
        let foot = [
            self.written,
            self.index.len() as u64,
            self.events,
            self.last.as_nanos(),
            self.digest.as_u64(),
        ];
        end.extend(foot.iter().flat_map(|word| word.to_le_bytes()));
        end.extend(checksum(&end).to_le_bytes());
        end.extend(END);
        self.sink.write_all(&end)?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

/// Writes a run's log while another recorder does its work.
pub struct Logged<'l, W, R> {
    log: &'l mut Writer<W>,
    inner: R,
}

impl<'l, W, R> Logged<'l, W, R> {
    /// Logs to `log` what `inner` records too.
    pub fn new(log: &'l mut Writer<W>, inner: R) -> Self {
        Self { log, inner }
    }
}

impl<W: Write, R: Recorder> Recorder for Logged<'_, W, R> {
    const EVENTS: bool = true;

    fn event(&mut self, now: SimTime, rank: u8, word: u64, subject: Subject) {
        self.log.event(now, rank, word, subject);
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        self.log.placed(job, node);
        self.inner.placed(job, node);
    }

    fn job(&mut self, row: JobRow) {
        self.log.ended(&row);
        self.inner.job(row);
    }

    fn into_jobs(self) -> Vec<JobRow> {
        self.inner.into_jobs()
    }
}

/// Where the logs of an execution are collected, and which replication is logged.
#[derive(Debug)]
pub struct Logbook {
    folder: PathBuf,
    replication: u32,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    platform: usize,
    outcome: Result<PathBuf, LogError>,
}

/// A log under way.
pub(crate) type FileWriter = Writer<BufWriter<File>>;

impl Logbook {
    /// Collects the logs of `replication` in `folder`, which exists and is the caller's.
    #[must_use]
    pub fn new(folder: PathBuf, replication: u32) -> Self {
        Self {
            folder,
            replication,
            entries: Mutex::new(Vec::new()),
        }
    }

    /// Starts a log if this replication is logged. A log that cannot be written is no reason to lose a run.
    pub(crate) fn open(&self, platform: usize, header: &Header) -> Option<FileWriter> {
        if header.replication != self.replication {
            return None;
        }
        let path = self
            .folder
            .join(file_name(&header.platform, header.replication));
        let opened = File::create_new(&path)
            .and_then(|file| Writer::new(BufWriter::with_capacity(1 << 16, file), header));
        match opened {
            Ok(writer) => Some(writer),
            Err(source) => {
                let action = "create";
                self.enter(
                    platform,
                    Err(LogError::Io {
                        action,
                        path,
                        source,
                    }),
                );
                None
            }
        }
    }

    /// Ends the log of a run that came to its end.
    ///
    /// # Panics
    /// If the log is not that of the run.
    pub(crate) fn close(
        &self,
        writer: FileWriter,
        platform: usize,
        header: &Header,
        output: &Output,
    ) {
        assert_eq!(writer.digest, output.digest, "the log is that of the run");
        let path = self
            .folder
            .join(file_name(&header.platform, header.replication));
        let written = writer.finish().and_then(|sink| {
            let file = sink.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()
        });
        let outcome = match written {
            Ok(()) => Ok(path),
            Err(source) => Err(LogError::Io {
                action: "write",
                path,
                source,
            }),
        };
        self.enter(platform, outcome);
    }

    fn enter(&self, platform: usize, outcome: Result<PathBuf, LogError>) {
        let mut entries = self.entries.lock().expect("no writer panics");
        entries.push(Entry { platform, outcome });
    }

    /// The finished logs, and what went wrong with others, by platform.
    ///
    /// # Panics
    /// If a thread panicked while it entered a log.
    #[must_use]
    pub fn finish(self) -> Vec<Result<PathBuf, LogError>> {
        let mut entries = self.entries.into_inner().expect("no writer panics");
        entries.sort_by_key(|entry| entry.platform);
        entries.into_iter().map(|entry| entry.outcome).collect()
    }
}

/// Name of the log of a run in its directory. Characters that a file system may not take are written as in a URL.
#[must_use]
pub fn file_name(platform: &str, replication: u32) -> String {
    let mut name = "events.".to_owned();
    for byte in platform.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name + &format!(".{replication}.log")
}

/// A log that is read.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    header: Header,
    blocks: Vec<Block>,
    /// Where the last block ends.
    blocks_end: u64,
    events: u64,
    end: SimTime,
    digest: u64,
}

impl EventLog {
    /// Opens a log: reads its header and index.
    ///
    /// # Errors
    /// If it cannot be read, is none, was written in another format, is cut short or damaged.
    ///
    /// # Panics
    /// Never: all parts have the length that is taken of them.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let failed = |source| LogError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let damaged = |what: &str| LogError::Damaged {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let mut file = File::open(path).map_err(failed)?;
        let mut start = [0; 16];
        let is_ours = file.read_exact(&mut start).is_ok() && start.starts_with(MAGIC);
        if !is_ours {
            return Err(LogError::NotALog(path.to_owned()));
        }
        let half = |at: usize| u32::from_le_bytes(start[at..at + 4].try_into().expect("4 bytes"));
        if half(8) != FORMAT {
            return Err(LogError::Format {
                path: path.to_owned(),
                found: half(8),
            });
        }
        let length = file.metadata().map_err(failed)?.len();
        let header_end = 16 + u64::from(half(12));
        if half(12) > MAX_HEADER {
            return Err(damaged("its header is too long"));
        }
        if length < header_end + FOOT_BYTES {
            return Err(LogError::CutShort(path.to_owned()));
        }
        let mut header = vec![0; half(12) as usize];
        file.read_exact(&mut header).map_err(failed)?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| damaged(&format!("its header cannot be read: {error}")))?;
        let mut foot = [0; FOOT_BYTES as usize];
        file.seek(SeekFrom::Start(length - FOOT_BYTES))
            .and_then(|_| file.read_exact(&mut foot))
            .map_err(failed)?;
        if !foot.ends_with(END) {
            return Err(LogError::CutShort(path.to_owned()));
        }
        let [index_start, count, events, end, digest, expected] =
            std::array::from_fn(|i| word(&foot, i));
        let is_placed = count
            .checked_mul(ENTRY_BYTES as u64)
            .and_then(|bytes| index_start.checked_add(bytes))
            == Some(length - FOOT_BYTES);
        if !is_placed || index_start < header_end {
            return Err(damaged("its foot does not fit the file"));
        }
        let mut index = vec![0; (length - FOOT_BYTES - index_start) as usize];
        file.seek(SeekFrom::Start(index_start))
            .and_then(|_| file.read_exact(&mut index))
            .map_err(failed)?;
        let blocks: Vec<Block> = index
            .chunks_exact(ENTRY_BYTES)
            .map(|entry| Block {
                offset: word(entry, 0),
                events_before: word(entry, 1),
                start: SimTime::from_nanos(word(entry, 2)),
                digest_before: word(entry, 3),
                checksum: word(entry, 4),
            })
            .collect();
        index.extend(&foot[..40]);
        if checksum(&index) != expected {
            return Err(damaged("its index does not match its checksum"));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            blocks,
            blocks_end: index_start,
            events,
            end: SimTime::from_nanos(end),
            digest,
        })
    }

    /// What it is a log of.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its blocks, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Number of events.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Time of the last event.
    #[must_use]
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// Fingerprint of all events, as the run had it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The first block that can hold an event at or after `time`.
    #[must_use]
    pub fn block_at(&self, time: SimTime) -> usize {
        self.blocks
            .partition_point(|block| block.start < time)
            .saturating_sub(1)
    }

    /// Reads all blocks and compares their checksums.
    ///
    /// # Errors
    /// If one cannot be read, or is not what was written.
    pub fn verify(&mut self) -> Result<(), LogError> {
        (0..self.blocks.len()).try_for_each(|index| self.bytes(index).map(drop))
    }

    fn damaged(&self, block: Block, what: &str) -> LogError {
        LogError::Damaged {
            path: self.path.clone(),
            what: format!(
                "the block of events after number {} {what}",
                block.events_before
            ),
        }
    }

    /// A block as it is written, if that is what was written.
    fn bytes(&mut self, index: usize) -> Result<Vec<u8>, LogError> {
        let block = self.blocks[index];
        let next = self.blocks.get(index + 1);
        let end = next.map_or(self.blocks_end, |next| next.offset);
        let length = end
            .checked_sub(block.offset)
            .filter(|_| end <= self.blocks_end)
            .ok_or_else(|| self.damaged(block, "has no length"))?;
        let mut bytes = vec![0; length as usize];
        self.file
            .seek(SeekFrom::Start(block.offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| LogError::Io {
                action: "read",
                path: self.path.clone(),
                source,
            })?;
        if checksum(&bytes) != block.checksum {
            return Err(self.damaged(block, "does not match its checksum"));
        }
        Ok(bytes)
    }

    /// The records of a block.
    ///
    /// # Errors
    /// If it cannot be read, or is not what was written.
    ///
    /// # Panics
    /// If there is no such block.
    pub fn read(&mut self, index: usize) -> Result<Vec<Record>, LogError> {
        let bytes = self.bytes(index)?;
        let block = self.blocks[index];
        let next = self.blocks.get(index + 1);
        let mut reader = BlockReader {
            bytes: &bytes,
            at: block.start,
            number: block.events_before,
            last_job: 0,
        };
        let mut records = Vec::new();
        // The checksum guards against accidents of the disk, the digest against mistakes of ours.
        let mut digest = block.digest_before;
        while !reader.bytes.is_empty() {
            let record = reader
                .record(&mut digest)
                .ok_or_else(|| self.damaged(block, "holds a record that cannot be"))?;
            records.push(record);
        }
        if digest != next.map_or(self.digest, |next| next.digest_before) {
            return Err(self.damaged(block, "does not lead to the digest after it"));
        }
        Ok(records)
    }
}

/// Takes records off the front of a block.
struct BlockReader<'b> {
    bytes: &'b [u8],
    at: SimTime,
    number: u64,
    last_job: u64,
}

impl BlockReader<'_> {
    fn record(&mut self, digest: &mut u64) -> Option<Record> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let is_wide = first & WIDE != 0;
        let code = if is_wide {
            let (&code, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            code
        } else {
            first & 15
        };
        let what = match code {
            PLACED => What::Placed {
                job: self.job()?,
                node: self.node()?,
            },
            ENDED => What::Ended {
                fate: *[Fate::Completed, Fate::Failed, Fate::Rejected]
                    .get(usize::from(first >> 4 & 3))?,
                job: self.job()?,
                node: if first & HAS_NODE == 0 {
                    None
                } else {
                    Some(self.node()?)
                },
            },
            _ => {
                let rank = if code > ENDED { code - NOTES } else { code };
                let nanos = self.at.as_nanos().checked_add(self.varint()?)?;
                self.at = SimTime::from_nanos(nanos);
                let word = if is_wide || has_word(rank) {
                    self.varint()?.checked_shl(32)? | self.varint()?
                } else {
                    0
                };
                let event = Event::decode(rank, word)?;
                let mut folded = Digest::from_u64(*digest);
                folded.event(self.at, rank, word);
                *digest = folded.as_u64();
                self.number += 1;
                let job = if first & HAS_JOB == 0 {
                    None
                } else {
                    Some(self.job()?)
                };
                let node = if names_node(&event) {
                    Some(NodeId((word >> 32) as u32))
                } else if first & HAS_NODE == 0 {
                    None
                } else {
                    Some(self.node()?)
                };
                let is_stale = first & STALE != 0;
                What::Event(
                    event,
                    Subject {
                        job,
                        node,
                        is_stale,
                    },
                )
            }
        };
        Some(Record {
            at: self.at,
            number: self.number,
            what,
        })
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 127).checked_shl(shift)?;
            if byte < 128 {
                return Some(value);
            }
            shift += 7;
        }
    }

    fn job(&mut self) -> Option<u64> {
        let code = self.varint()?;
        let difference = (code >> 1).cast_signed() ^ -(code & 1).cast_signed();
        self.last_job = self.last_job.wrapping_add(difference.cast_unsigned());
        Some(self.last_job)
    }

    fn node(&mut self) -> Option<NodeId> {
        Some(NodeId(u32::try_from(self.varint()?).ok()?))
    }
}

/// The code of events of this rank.
fn code(rank: u8) -> u8 {
    if rank < PLACED { rank } else { rank + NOTES }
}

/// Whether events of this rank always carry an id and a stamp.
fn has_word(rank: u8) -> bool {
    matches!(rank, 1..=6 | 8 | 9)
}

/// Whether the word of the event names the node that it is about.
fn names_node(event: &Event) -> bool {
    matches!(
        event,
        Event::Boundary { .. }
            | Event::Ready { .. }
            | Event::Up { .. }
            | Event::Down { .. }
            | Event::Notice { .. }
    )
}

/// LEB128: seven bits a byte, the low ones first.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The `index`th 64-bit word.
fn word(bytes: &[u8], index: usize) -> u64 {
    u64::from_le_bytes(bytes[8 * index..8 * index + 8].try_into().expect("8 bytes"))
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.fold_bytes(bytes);
    digest.fold(bytes.len() as u64);
    digest.as_u64()
}
