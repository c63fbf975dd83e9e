//! The requests at the servers of a platform: sizes, progress, and who waits behind whom.

use walras_des::prefetch;

use crate::ids::JobId;
use crate::workload::Prefix;

/// A request as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// Prompt length, at least one.
    pub prompt: u32,
    /// Output length, at least one.
    pub output: u32,
    /// How its prompt begins, if others begin so too.
    pub prefix: Option<Prefix>,
}

/// The requests at any server of a platform: for each job its sizes and, while it waits, who is next behind it.
///
/// One table for all servers, by job, so that an idle server owns no memory and a queued request takes 16 bytes, and 12 for its
/// prefix where there are any.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    queued: Vec<Queued>,
    /// Empty as long as no request has a prefix.
    prefixes: Vec<Option<Prefix>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    pub(super) prompt: u32,
    pub(super) output: u32,
    /// Output tokens that it had when it was last preempted.
    pub(super) generated: u32,
    /// The job behind it.
    pub(super) next: JobId,
}

impl Queued {
    /// Tokens to compute before the next one comes out: the prompt, and after a preemption what was generated.
    pub(super) fn target(&self) -> u32 {
        self.prompt + self.generated
    }
}

/// The end of a queue.
pub(super) const NOBODY: JobId = JobId(u32::MAX);

impl Backlog {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for what is known of a job.
    #[inline]
    pub(super) fn ask_for(&self, job: JobId) {
        if let Some(queued) = self.queued.get(job.index()) {
            prefetch(queued);
        }
    }

    /// A job that arrived at a server and has not left it.
    #[inline]
    pub(super) fn of(&self, job: JobId) -> Queued {
        self.queued[job.index()]
    }

    /// Output tokens that a job had when it was last preempted; zero if it never was.
    pub(super) fn generated(&self, job: JobId) -> u32 {
        let queued = self.queued.get(job.index());
        queued.map_or(0, |queued| queued.generated)
    }

    /// Ends the answer of a job so many tokens earlier; returns its new length.
    pub(super) fn cut_answer(&mut self, job: JobId, tokens: u32) -> u32 {
        let queued = &mut self.queued[job.index()];
        queued.output -= tokens;
        queued.output
    }

    /// Notes that a job goes on elsewhere with its first token.
    pub(super) fn resume(&mut self, job: JobId) {
        self.queued[job.index()].generated = 1;
    }

    /// Ends the prompt of a job after `computed` tokens, and its answer with the first token.
    pub(super) fn cut_prompt(&mut self, job: JobId, computed: u32) {
        let queued = &mut self.queued[job.index()];
        (queued.prompt, queued.output, queued.generated) = (computed, 1, 0);
        if let Some(Some(prefix)) = self.prefixes.get_mut(job.index()) {
            prefix.tokens = prefix.tokens.min(computed);
        }
    }

    /// How the prompt of a job begins.
    #[inline]
    pub(super) fn prefix(&self, job: JobId) -> Option<Prefix> {
        self.prefixes.get(job.index()).copied().flatten()
    }
}

/// The queue of one server: a list through the backlog.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    first: JobId,
    last: JobId,
    len: u32,
}

impl Queue {
    pub(super) const EMPTY: Self = Self {
        first: NOBODY,
        last: NOBODY,
        len: 0,
    };

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Who is next.
    #[inline]
    pub(super) fn first(&self) -> Option<JobId> {
        (self.first != NOBODY).then_some(self.first)
    }

    /// Puts a new request at the end.
    pub(super) fn append(&mut self, entry: &Entry, backlog: &mut Backlog) {
        let place = entry.job.index();
        let queued = Queued {
            prompt: entry.prompt,
            output: entry.output,
            generated: 0,
            next: NOBODY,
        };
        let table = &mut backlog.queued;
        if table.len() <= place {
            table.resize(place + 1, queued);
        }
        table[place] = queued;
        if entry.prefix.is_some() || !backlog.prefixes.is_empty() {
            backlog.prefixes.resize(backlog.queued.len(), None);
            backlog.prefixes[place] = entry.prefix;
        }
        if self.last == NOBODY {
            self.first = entry.job;
        } else {
            backlog.queued[self.last.index()].next = entry.job;
        }
        self.last = entry.job;
        self.len += 1;
    }

    /// Puts a preempted request to the front.
    pub(super) fn put_back(&mut self, job: JobId, generated: u32, backlog: &mut Backlog) {
        let queued = &mut backlog.queued[job.index()];
        (queued.generated, queued.next) = (generated, self.first);
        if self.first == NOBODY {
            self.last = job;
        }
        self.first = job;
        self.len += 1;
    }

    /// Takes who is next.
    #[inline]
    pub(super) fn pop(&mut self, backlog: &Backlog) {
        self.first = backlog.of(self.first).next;
        self.len -= 1;
        if self.first == NOBODY {
            self.last = NOBODY;
        }
    }

    /// Takes out a job, wherever it stands; whether it was there.
    pub(super) fn remove(&mut self, job: JobId, backlog: &mut Backlog) -> bool {
        let mut before = NOBODY;
        let mut at = self.first;
        while at != NOBODY && at != job {
            before = at;
            at = backlog.of(at).next;
        }
        if at == NOBODY {
            return false;
        }
        let next = backlog.of(job).next;
        if before == NOBODY {
            self.first = next;
        } else {
            backlog.queued[before.index()].next = next;
        }
        if next == NOBODY {
            self.last = before;
        }
        self.len -= 1;
        true
    }

    /// All who wait, in order.
    pub(super) fn iter<'a>(&self, backlog: &'a Backlog) -> impl Iterator<Item = JobId> + 'a {
        std::iter::successors(self.first(), |job| {
            Some(backlog.of(*job).next).filter(|&next| next != NOBODY)
        })
    }
}
