use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::{JoinHandle, spawn};

use serde_json::{Value, json};

/// A host at the other end of a socket pair.
struct TestHost {
    socket: UnixStream,
    replies: BufReader<UnixStream>,
    agent: JoinHandle<std::io::Result<super::End>>,
}

impl TestHost {
    fn start() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let output = theirs.try_clone().unwrap();
        let agent = spawn(move || super::run(theirs, output, super::Stage::Up));
        let mut host = Self {
            replies: BufReader::new(ours.try_clone().unwrap()),
            socket: ours,
            agent,
        };
        assert!(host.reply()["hello"]["bootId"].is_string());
        host
    }

    fn say(&mut self, line: &str) {
        writeln!(self.socket, "{line}").unwrap();
    }

    fn reply(&mut self) -> Value {
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            assert_ne!(
                self.replies.read_line(&mut line).unwrap(),
                0,
                "the agent has gone"
            );
        }
        serde_json::from_str(&line).unwrap()
    }

    /// All replies up to the end of a request.
    fn until_exit(&mut self) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            let reply = self.reply();
            let last = reply.get("exit").is_some() || reply.get("error").is_some();
            seen.push(reply);
            if last {
                return seen;
            }
        }
    }
}

#[test]
fn runs_a_program_with_input_environment_and_directory() {
    let mut host = TestHost::start();
    let script = "cat; printf \"$WORD\"; pwd; exit 3";
    let argv = json!(["sh", "-c", script]);
    host.say(&json!({"id": 7, "op": "exec", "argv": argv, "stdin": "aGkK", "env": {"WORD": "there "}, "cwd": "/"}).to_string());
    let seen = host.until_exit();
    let bytes: Vec<u8> = seen
        .iter()
        .filter_map(|reply| reply["data"].as_str())
        .flat_map(|data| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap()
        })
        .collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), "hi\nthere /\n");
    assert_eq!(
        seen.last().unwrap(),
        &json!({"id": 7, "exit": 3, "signal": null})
    );
}

#[test]
fn stays_alive_after_bad_requests() {
    let mut host = TestHost::start();
    for line in [
        "garbage",
        "{\"id\":1}",
        "{\"id\":1,\"op\":\"dance\"}",
        "[]",
        "\u{fffd}",
    ] {
        host.say(line);
        assert!(host.reply()["error"].is_string());
    }
    host.say("{\"id\":2,\"op\":\"exec\",\"argv\":[\"/no/such/program\"]}");
    assert!(
        host.reply()["error"]
            .as_str()
            .unwrap()
            .contains("/no/such/program")
    );
    host.say(&"x".repeat(super::LIMIT + 1));
    assert!(host.reply()["error"].as_str().unwrap().contains("longer"));
    host.say("{\"id\":3,\"op\":\"ping\"}");
    assert_eq!(host.reply()["id"], 3);
}

#[test]
fn kills_a_program_while_others_go_on() {
    let mut host = TestHost::start();
    host.say("{\"id\":1,\"op\":\"exec\",\"argv\":[\"sleep\",\"600\"]}");
    host.say("{\"id\":2,\"op\":\"exec\",\"argv\":[\"true\"]}");
    assert_eq!(
        host.until_exit().last().unwrap(),
        &json!({"id": 2, "exit": 0, "signal": null})
    );
    host.say("{\"id\":1,\"op\":\"kill\"}");
    assert_eq!(
        host.until_exit().last().unwrap(),
        &json!({"id": 1, "exit": null, "signal": 9})
    );
}

#[test]
fn a_daemon_left_behind_does_not_hold_up_the_exit() {
    let mut host = TestHost::start();
    host.say("{\"id\":1,\"op\":\"exec\",\"argv\":[\"sh\",\"-c\",\"sleep 5 & echo up\"]}");
    assert_eq!(host.until_exit().last().unwrap()["exit"], 0);
}

/// The output in some replies.
fn text(replies: &[Value]) -> String {
    let bytes = replies
        .iter()
        .filter_map(|reply| reply["data"].as_str())
        .flat_map(|data| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap()
        })
        .collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn gives_a_program_its_input_piece_by_piece() {
    let mut host = TestHost::start();
    host.say(r#"{"id":1,"op":"exec","argv":["cat"],"stdin":"b25l","streamInput":true}"#);
    assert_eq!(text(&[host.reply()]), "one");
    host.say(r#"{"id":1,"op":"input","data":"dHdv"}"#);
    let answers = [host.reply(), host.reply()];
    assert_eq!(text(&answers), "two");
    assert!(answers.contains(&json!({"id": 1, "taken": 3})));
    host.say(r#"{"id":1,"op":"eof"}"#);
    assert_eq!(host.until_exit().last().unwrap()["exit"], 0);
    // Nobody reads any of this, and nobody is disturbed.
    host.say(r#"{"id":1,"op":"input","data":"dHdv"}"#);
    host.say(r#"{"id":2,"op":"exec","argv":["true"],"streamInput":true}"#);
    assert_eq!(
        host.until_exit(),
        [json!({"id": 2, "exit": 0, "signal": null})]
    );
}

#[test]
fn gives_a_shell_a_terminal_that_can_be_resized() {
    let mut host = TestHost::start();
    let pty = json!({"rows": 24, "columns": 80});
    // `read` waits until the new size was set, and a shell can only open /dev/tty when it has a terminal of its own.
    let script = "stty size </dev/tty; read word; echo got $word; stty size; exit 3";
    host.say(
        &json!({"id": 1, "op": "exec", "argv": ["sh", "-c", script], "pty": pty, "streamInput": true})
            .to_string(),
    );
    assert_eq!(text(&[host.reply()]), "24 80\r\n");
    host.say(r#"{"id":1,"op":"resize","rows":50,"columns":132}"#);
    host.say(&json!({"id": 1, "op": "input", "data": "aGkK"}).to_string());
    let seen = host.until_exit();
    assert_eq!(text(&seen), "hi\r\ngot hi\r\n50 132\r\n");
    assert_eq!(seen.last().unwrap()["exit"], 3);
}

#[test]
fn kills_a_program_with_a_terminal() {
    let mut host = TestHost::start();
    let pty = json!({"rows": 24, "columns": 80});
    host.say(&json!({"id": 1, "op": "exec", "argv": ["sleep", "600"], "pty": pty}).to_string());
    host.say(r#"{"id":1,"op":"kill"}"#);
    assert_eq!(host.until_exit().last().unwrap()["signal"], 9);
}

#[test]
fn ends_what_a_host_had_started_when_it_goes() {
    let mut host = TestHost::start();
    host.say("{\"id\":1,\"op\":\"exec\",\"argv\":[\"sh\",\"-c\",\"echo $$; exec sleep 600\"]}");
    let pid = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        host.reply()["data"].as_str().unwrap(),
    )
    .unwrap();
    let pid = String::from_utf8(pid).unwrap();
    host.socket.shutdown(Shutdown::Write).unwrap();
    host.agent.join().unwrap().unwrap();
    let gone = || !std::path::Path::new("/proc").join(pid.trim()).exists();
    while !gone() {
        std::thread::yield_now();
    }
}

#[test]
fn stops_reading_a_file_without_end() {
    let mut host = TestHost::start();
    host.say(r#"{"id":1,"op":"read","path":"/dev/zero"}"#);
    assert!(host.reply()["data"].is_string());
    host.say(r#"{"id":1,"op":"kill"}"#);
    while host.reply().get("exit").is_none() {}
    host.say(r#"{"id":2,"op":"ping"}"#);
    assert_eq!(host.reply()["id"], 2);
}

#[test]
fn writes_appends_and_reads_files() {
    let path = std::env::temp_dir().join(format!("netloom-agent-file-{}", std::process::id()));
    let mut host = TestHost::start();
    let name = path.to_str().unwrap();
    host.say(
        &json!({"id": 1, "op": "write", "path": name, "data": "b25l", "mode": 0o600}).to_string(),
    );
    host.say(
        &json!({"id": 2, "op": "write", "path": name, "data": "dHdv", "append": true}).to_string(),
    );
    host.say(&json!({"id": 3, "op": "read", "path": name}).to_string());
    assert_eq!(host.reply()["exit"], 0);
    assert_eq!(host.reply()["exit"], 0);
    assert_eq!(
        host.reply(),
        json!({"id": 3, "stream": "stdout", "data": "b25ldHdv"})
    );
    assert_eq!(host.reply()["exit"], 0);
    std::fs::remove_file(&path).unwrap();
    host.say(&json!({"id": 4, "op": "read", "path": name}).to_string());
    assert!(host.reply()["error"].as_str().unwrap().contains(name));
}

#[test]
fn sends_the_whole_output_of_a_program_that_ends_before_it_is_read() {
    let mut host = TestHost::start();
    host.say("{\"id\":1,\"op\":\"exec\",\"argv\":[\"head\",\"-c\",\"3000000\",\"/dev/zero\"]}");
    // Answered by the thread that reads requests, while the output waits for us.
    host.say("{\"id\":2,\"op\":\"ping\"}");
    let length: usize = host
        .until_exit()
        .iter()
        .filter_map(|reply| reply["data"].as_str())
        .map(|data| data.trim_end_matches('=').len() * 3 / 4)
        .sum();
    assert_eq!(length, 3_000_000);
}
