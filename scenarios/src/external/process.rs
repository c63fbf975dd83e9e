//! A process that answers each line with a line, and what is said of one that does not.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it is started; nothing stands for where this process was.
    pub directory: PathBuf,
    /// How long it may take for an answer.
    pub timeout: Duration,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.command.join(" "))
    }
}

/// The longest answer [bytes].
const LONGEST: u64 = 64 << 20;

/// How long a process may take to end after it was told to.
const PARTING: Duration = Duration::from_secs(2);

/// A program at work. Whoever drops it tells it so with a last line, closes its input, and waits for it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// To and from the thread that writes and reads, so that a process that hangs does not hang this one.
    questions: Option<Sender<Vec<u8>>>,
    answers: Receiver<io::Result<String>>,
    timeout: Duration,
    is_hanging: bool,
}

impl Process {
    /// Starts `program`; `farewell` is the last line that it will be sent.
    pub(super) fn start(program: &Program, farewell: &'static str) -> Result<Self, String> {
        // What is looked for in the folder is not left to the platform's rules; a bare name is looked for in the path.
        let file = &program.command[0];
        let is_bare = !file.contains(['/', '\\']);
        let file = if is_bare {
            OsString::from(file)
        } else {
            program.directory.join(file).into_os_string()
        };
        let mut command = Command::new(file);
        command.args(&program.command[1..]);
        if !program.directory.as_os_str().is_empty() {
            command.current_dir(&program.directory);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("it cannot be started: {error}"))?;
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        let (questions, asked) = channel::<Vec<u8>>();
        let (answer, answers) = channel();
        thread::spawn(move || carry(input, output, &asked, &answer, farewell));
        Ok(Self {
            child,
            questions: Some(questions),
            answers,
            timeout: program.timeout,
            is_hanging: false,
        })
    }

    /// Sends a line, which ends in a line feed, and waits for the answer.
    pub(super) fn ask(&mut self, question: Vec<u8>) -> Result<String, String> {
        let open = self.questions.as_ref().expect("it is open until the end");
        if open.send(question).is_err() {
            return Err(self.ended());
        }
        match self.answers.recv_timeout(self.timeout) {
            Ok(Ok(answer)) if answer.is_empty() => Err(self.ended()),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err("it is not UTF-8 text".to_owned())
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => {
                self.is_hanging = true;
                Err(format!("none came within {:?}", self.timeout))
            }
        }
    }

    fn ended(&mut self) -> String {
        match self.exit_code() {
            Some(status) => format!("the process has ended instead ({status})"),
            None => "the process has closed its output instead".to_owned(),
        }
    }

    /// How it ended, if it does so soon.
    fn exit_code(&mut self) -> Option<std::process::ExitStatus> {
        const PAUSE: Duration = Duration::from_millis(2);
        for _ in 0..PARTING.as_millis() / PAUSE.as_millis() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(PAUSE);
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.questions = None;
        if self.is_hanging || self.exit_code().is_none() {
            // It may have ended since, which is as well.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Writes each question and reads its answer, until there are no more.
fn carry(
    mut input: ChildStdin,
    output: ChildStdout,
    questions: &Receiver<Vec<u8>>,
    answers: &Sender<io::Result<String>>,
    farewell: &str,
) {
    let mut output = BufReader::new(output);
    let mut exchange = |question: &[u8]| {
        input.write_all(question)?;
        let mut answer = String::new();
        (&mut output).take(LONGEST).read_line(&mut answer)?;
        Ok(answer)
    };
    for question in questions {
        let answer = exchange(&question);
        let is_last = answer.is_err();
        if answers.send(answer).is_err() || is_last {
            return;
        }
    }
    // One that has gone already needs no farewell.
    let _ = input.write_all(farewell.as_bytes());
}
