//! A containerd of our own: in a private folder, with a collector that runs only when it is asked, and gone when we are.
//!
//! A shell stands between: it starts the daemon, starts it anew when told, and when its input ends, because we are done
//! or because we were killed, it kills the daemon and removes the folder.

use super::Error;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Starts `$1` with the configuration `$2`, its log in `$3`; anew, with a log anew, at every line read. At the end of the input the folder
/// `$4` goes.
const SUPERVISOR: &str = r#"
exec 2>/dev/null
trap '' INT TERM HUP
start() { "$1" --config "$2" </dev/null >"$3" 2>&1 & daemon=$!; echo started; }
start "$@"
while read -r word; do kill -9 "$daemon"; wait "$daemon"; start "$@"; done
kill -9 "$daemon"; wait "$daemon"; rm -rf "$4"
"#;

/// The longest path of a socket that Linux takes, less its end.
const SOCKET_BYTES_MAX: usize = 104;

/// Plugins that the collector's work does without, by their names in every release: those that a release does not have are
/// only warned of.
const DISABLED: [&str; 19] = [
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.runtime.v1.linux",
    "io.containerd.runtime.v2.task",
    "io.containerd.monitor.v1.cgroups",
    "io.containerd.monitor.task.v1.cgroups",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.overlayfs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.restart",
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.nri.v1.nri",
];

/// A daemon that runs. Dropping it ends the daemon and removes its folder.
pub struct Daemon {
    folder: PathBuf,
    supervisor: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Daemon {
    /// Starts a daemon with these snapshotters, which [`Daemon::snapshots_socket`] must serve.
    ///
    /// # Errors
    /// The folder or the process cannot be made.
    pub fn start(program: &Path, snapshotters: &BTreeSet<String>, isolated: bool) -> Result<Daemon, Error> {
        let folder = tempfile::Builder::new().prefix("leasehold-live-").tempdir_in(place());
        let folder = folder.map_err(Error::system("cannot make a folder for the daemon"))?;
        let path = folder.path().to_path_buf();
        if path.join("containerd.sock").as_os_str().len() > SOCKET_BYTES_MAX {
            let path = path.display();
            return Err(Error::Daemon(format!(
                "{path}: too long for a socket: set TMPDIR to a shorter folder"
            )));
        }
        write_configuration(&path, snapshotters, isolated)?;
        let log = path.join("log");
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "leasehold-live"])
            .arg(program)
            .args([&path.join("config.toml"), &log, &path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::system("cannot start a shell for the daemon"))?;
        let orders = supervisor.stdin.take();
        let answers = supervisor.stdout.take().expect("it is piped");
        // From here on the shell removes the folder.
        let mut daemon =
            Daemon { folder: folder.keep(), supervisor, orders, answers: BufReader::new(answers) };
        daemon.await_start()?;
        Ok(daemon)
    }

    /// Kills the daemon and starts it anew on the same folder, as a crash and a restart of the service do.
    ///
    /// # Errors
    /// The shell is gone.
    pub fn restart(&mut self, snapshotters: &BTreeSet<String>, isolated: bool) -> Result<(), Error> {
        write_configuration(&self.folder, snapshotters, isolated)?;
        if let Some(orders) = &mut self.orders {
            orders.write_all(b"restart\n").map_err(Error::system("cannot restart the daemon"))?;
        }
        self.await_start()
    }

    fn await_start(&mut self) -> Result<(), Error> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).map_err(Error::system("cannot start the daemon"))?;
        match read {
            0 => Err(Error::Daemon("the shell that starts the daemon has ended".to_owned())),
            _ => Ok(()),
        }
    }

    /// Where it is asked.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("containerd.sock")
    }

    /// Where it asks for snapshots.
    pub fn snapshots_socket(&self) -> PathBuf {
        self.folder.join("snapshots.sock")
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("root/io.containerd.metadata.v1.bolt/meta.db")
    }

    /// Its content store.
    pub fn content(&self) -> PathBuf {
        self.folder.join("root/io.containerd.content.v1.content")
    }

    /// The last lines of its log, and whether it died of a panic of its own.
    pub fn last_words(&self) -> (String, bool) {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let panicked =
            log.lines().position(|line| line.starts_with("panic:") || line.starts_with("fatal error:"));
        let from = panicked.unwrap_or_else(|| log.lines().count().saturating_sub(3));
        let words: Vec<&str> = log.lines().skip(from).take(3).collect();
        (words.join("\n"), panicked.is_some())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The shell's input ends; it ends the daemon, removes the folder, and ends.
        drop(self.orders.take());
        let _ended = self.supervisor.wait();
    }
}

/// A file system in memory where there is one: a daemon syncs after every step.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let own = std::env::var_os("TMPDIR").is_some();
    let is_writable = || tempfile::tempfile_in(memory).is_ok();
    if !own && is_writable() { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// The collector runs only for a deletion that waits for it; one file serves containerd 1.6 to 2.x.
fn write_configuration(folder: &Path, snapshotters: &BTreeSet<String>, isolated: bool) -> Result<(), Error> {
    let at = |name: &str| quoted(&folder.join(name).to_string_lossy());
    let disabled = DISABLED.map(quoted).join(", ");
    // A daemon that is not root's gives its sockets to whoever runs it: the folder's owner.
    let owner = std::fs::metadata(folder).map_err(Error::system("cannot look at the daemon's folder"))?;
    let (uid, gid) = (owner.uid(), owner.gid());
    let policy = if isolated { "isolated" } else { "shared" };
    let mut text = format!(
        r#"version = 2
root = {root}
state = {state}
oom_score = 0
disabled_plugins = [{disabled}]
required_plugins = ["io.containerd.metadata.v1.bolt", "io.containerd.gc.v1.scheduler"]
[grpc]
  address = {socket}
  uid = {uid}
  gid = {gid}
[ttrpc]
  address = {ttrpc}
  uid = {uid}
  gid = {gid}
[plugins."io.containerd.gc.v1.scheduler"]
  pause_threshold = 0.000000001
  deletion_threshold = 0
  mutation_threshold = 0
  schedule_delay = "0s"
  startup_delay = "24h"
[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "{policy}"
"#,
        root = at("root"),
        state = at("state"),
        socket = at("containerd.sock"),
        ttrpc = at("ttrpc.sock"),
    );
    let snapshots = at("snapshots.sock");
    for name in snapshotters {
        let name = quoted(name);
        text += &format!("[proxy_plugins.{name}]\n  type = \"snapshot\"\n  address = {snapshots}\n");
    }
    std::fs::write(folder.join("config.toml"), text)
        .map_err(Error::system("cannot write the daemon's configuration"))
}

/// A basic string of TOML. JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
