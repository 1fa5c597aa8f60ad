//! The HTTP client that the SDK is given: in front of the simulator's account, with faults at the calls of a schedule.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use repave::cloud::ALREADY_EXISTS;
use repave::simulator::fault::{ErrorBody, Fault as Rigged, Rule};
use repave::simulator::wire::{Answer, Call, Operation, Output, Reply, ServiceError};
use repave::simulator::{Account, server};
use repave::sys::clock::Clock;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::schedule::{Fault, Moment, Schedule, Verb};
use super::watch::{Heard, Watch};

/// The network between repave and the account, and everything that a schedule does to either.
#[derive(Debug, Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
    died: Arc<Notify>,
}

/// Its state.
#[derive(Debug)]
pub struct State {
    pub account: Account,
    pub watch: Watch,
    /// Every call and event, with its time.
    pub trace: Vec<String>,
    /// Which verb each call was.
    pub verbs: Vec<Verb>,
    /// When the last fault ends.
    pub trouble_ends: Instant,
    /// How many faults happened.
    pub fired: usize,
    schedule: Schedule,
    quiet: bool,
    start: Instant,
    /// The true time, by which the account lives.
    clock: Clock,
    /// What repave's clock shows more.
    shift: &'static AtomicI64,
    status: PathBuf,
    storm: u32,
    hidden: Option<Hidden>,
    late: Vec<(Timestamp, Call)>,
    mark_fails: Option<u32>,
    stops_at_plan: Option<u32>,
    /// Whether the last answer says that the name is taken.
    taken: bool,
    /// Which process is alive, and how the last one died.
    life: u32,
    death: Option<(u32, bool)>,
}

#[derive(Debug, Clone, Copy)]
enum Hidden {
    All,
    One(usize),
}

/// The names that are declared.
pub const NAMES: [&str; 3] = ["a", "b", "c"];

/// More calls than any run needs.
const MOST_CALLS: usize = 5000;

/// What happens to a request.
enum Wire {
    Answer(Response<Full<Bytes>>, Duration, Rest),
    Refused,
    Reset,
    Silence,
    Dead,
}

/// What becomes of an answer's body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Whole,
    Half,
    Nothing,
    Endless,
}

impl Network {
    pub fn new(
        schedule: &Schedule,
        account: Account,
        clock: Clock,
        shift: &'static AtomicI64,
        status: &Path,
    ) -> Self {
        let state = State {
            account,
            watch: Watch::default(),
            trace: Vec::new(),
            verbs: Vec::new(),
            trouble_ends: Instant::now(),
            fired: 0,
            schedule: schedule.clone(),
            quiet: false,
            start: Instant::now(),
            clock,
            shift,
            status: status.to_owned(),
            storm: 0,
            hidden: None,
            late: Vec::new(),
            mark_fails: None,
            stops_at_plan: None,
            taken: false,
            life: 0,
            death: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            died: Arc::default(),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// No fault any more.
    pub fn calm(&self) {
        let mut state = self.state();
        state.quiet = true;
        (state.storm, state.hidden) = (0, None);
        (state.mark_fails, state.stops_at_plan) = (None, None);
    }

    /// Waits until the process is to die; gives for how many seconds it is down, and whether it forgets.
    pub async fn death(&self) -> (u32, bool) {
        loop {
            self.died.notified().await;
            if let Some(death) = self.state().death.take() {
                return death;
            }
        }
    }

    /// A process starts.
    pub fn birth(&self) {
        let mut state = self.state();
        state.life += 1;
        state.death = None;
        let life = state.life;
        state.note(&format!("process {life} starts"));
    }

    /// A plan is about to be carried out.
    pub fn review(&self, creates: usize) {
        let mut state = self.state();
        if creates > 0
            && let Some(seconds) = state.mark_fails.take()
        {
            state.note("marks can't be saved");
            Self::block_saves(&mut state, seconds);
        }
        if creates > 0
            && let Some(seconds) = state.stops_at_plan.take()
        {
            state.stops(seconds);
        }
    }

    /// For how many seconds the process is stopped before its next call leaves.
    fn stops_before_call(&self) -> Option<u32> {
        let state = self.state();
        let number = u32::try_from(state.verbs.len() + 1).unwrap();
        state
            .schedule
            .faults
            .iter()
            .find_map(|(at, fault)| match fault {
                Fault::StopsBefore(seconds) if *at == number && !state.quiet => Some(*seconds),
                _ => None,
            })
    }

    /// Puts a folder where the store wants to write its temporary file.
    fn block_saves(state: &mut State, seconds: u32) {
        let blocked = state.status.with_file_name("status.json.tmp");
        if std::fs::create_dir(&blocked).is_ok() {
            state.trouble_for(seconds);
            tokio::spawn(async move {
                sleep(Duration::from_secs(seconds.into())).await;
                let _ = std::fs::remove_dir(&blocked);
            });
        }
    }

    fn kill(&self, state: &mut State, down: u32, forgets: bool) {
        state.note(&format!("killed, down for {down} s, forgets: {forgets}"));
        state.trouble_for(down);
        state.death = Some((down, forgets));
        self.died.notify_one();
    }

    /// Takes in a request: whatever effect it has, it has now.
    fn arrive(&self, request: &HttpRequest) -> Wire {
        let mut state = self.state();
        let state = &mut *state;
        let header = |name| request.headers().get(name).unwrap_or_default();
        let signed = header("authorization");
        if !(signed.starts_with("AWS4-HMAC-SHA256 Credential=simulated/")
            && signed.contains("/eu-west-1/workspaces/aws4_request"))
        {
            state.watch.found.push(format!("not signed: {signed:?}"));
        }
        let operation = header("x-amz-target").rsplit('.').next();
        let operation = operation.and_then(Operation::named).unwrap();
        let call = Call::parse(operation, request.body().bytes().unwrap()).unwrap();
        let verb = match operation {
            Operation::CreateUpdatedWorkspaceImage => Verb::Create,
            _ => Verb::List,
        };
        state.verbs.push(verb);
        let number = u32::try_from(state.verbs.len()).unwrap();
        let fault = state.schedule.faults.iter();
        let fault = fault
            .filter(|(at, fault)| *at == number && fault.fits(verb) && !state.quiet)
            .map(|(_, fault)| *fault)
            .next();
        state.note(&match (&call, fault) {
            (Call::CreateUpdatedImage(input), fault) => format!("{number} {input:?} {fault:?}"),
            (Call::DescribeImages(input), fault) => {
                format!("{number} list {:?} {fault:?}", input.next_token)
            }
            _ => format!("{number} {operation} {fault:?}"),
        });
        if fault.is_some() {
            state.fired += 1;
            state.trouble_for(0);
        }
        let path = state.status.clone();
        state.watch.look(&path);
        let shown = state.shown();
        match &call {
            Call::CreateUpdatedImage(input) => {
                let even = !state.schedule.jumps();
                state.watch.create(input, shown, even);
            }
            Call::DescribeImages(input) if input.next_token.is_none() => {
                state.watch.begin_listing();
                state.hidden = None;
            }
            _ => {}
        }
        let wire = self.happen(state, &call, fault);
        state.heard(&call, &wire, shown);
        state.watch.account(&state.account);
        state.watch.records(&state.account);
        state.note(&match &wire {
            Wire::Answer(answer, delay, _) => format!("  {} after {delay:?}", answer.status()),
            Wire::Refused => "  refused".into(),
            Wire::Reset => "  reset".into(),
            Wire::Silence => "  silence".into(),
            Wire::Dead => "  dead".into(),
        });
        if state.verbs.len() > MOST_CALLS {
            state.watch.found.push("there is no end of calls".into());
        }
        if !state.watch.found.is_empty() {
            self.kill(state, 0, false);
        }
        wire
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each fault")]
    fn happen(&self, state: &mut State, call: &Call, fault: Option<Fault>) -> Wire {
        let whole = |state: &mut State| state.perform(call, Duration::ZERO, Rest::Whole);
        let Some(fault) = fault else {
            if state.storm > 0 {
                state.storm -= 1;
                state.trouble_for(0);
                return state.says("ThrottlingException", 400);
            }
            return whole(state);
        };
        match fault {
            Fault::Refused => Wire::Refused,
            Fault::Reset => Wire::Reset,
            Fault::Lost => Wire::Silence,
            Fault::Internal => state.rigged(
                call,
                Rigged::InternalErrorBefore {
                    body: ErrorBody::Json,
                },
            ),
            Fault::Unavailable => Wire::Answer(
                server::response(Reply {
                    delay: Duration::ZERO,
                    request_id: String::new(),
                    answer: Answer::RawHttp {
                        status: 503,
                        content_type: "text/html",
                        body: "<html>no</html>".into(),
                    },
                })
                .unwrap(),
                Duration::ZERO,
                Rest::Whole,
            ),
            Fault::InternalAfter(body) => state.rigged(call, Rigged::InternalErrorAfter { body }),
            Fault::ResetAfter => {
                whole(state);
                Wire::Reset
            }
            Fault::Unheard => {
                whole(state);
                Wire::Silence
            }
            Fault::Late(seconds) => {
                let by = SignedDuration::from_secs(seconds.into());
                state.late.push((state.clock.now() + by, call.clone()));
                state.trouble_for(seconds);
                Wire::Silence
            }
            Fault::Trickle => state.perform(call, Duration::ZERO, Rest::Endless),
            Fault::Half => state.perform(call, Duration::ZERO, Rest::Half),
            Fault::Empty => state.perform(call, Duration::ZERO, Rest::Nothing),
            Fault::Slow(seconds) => {
                state.perform(call, Duration::from_secs(seconds.into()), Rest::Whole)
            }
            Fault::Throttled(calls) => {
                state.storm = calls - 1;
                state.says("ThrottlingException", 400)
            }
            Fault::Expired => state.says("ExpiredTokenException", 400),
            Fault::Denied => state.says("AccessDeniedException", 400),
            Fault::Busy => state.says("InvalidResourceStateException", 400),
            Fault::Taken => state.says("ResourceAlreadyExistsException", 400),
            Fault::Full => state.says("ResourceLimitExceededException", 400),
            Fault::Stale => {
                state.hidden = Some(Hidden::All);
                whole(state)
            }
            Fault::Misses(which) => {
                state.hidden = Some(Hidden::One(which));
                whole(state)
            }
            Fault::RepeatedToken => state.rigged(call, Rigged::RepeatedToken {}),
            Fault::EmptyPage => state.rigged(call, Rigged::EmptyPageWithToken {}),
            Fault::UnknownState => state.rigged(
                call,
                Rigged::UnknownEnumValue {
                    value: "COPYING".into(),
                },
            ),
            Fault::Clock(seconds) => {
                state.shift.fetch_add(seconds, Ordering::Relaxed);
                whole(state)
            }
            Fault::Crash {
                when,
                down,
                forgets,
            } => {
                if let Moment::Soon(milliseconds) = when {
                    let (network, life) = (self.clone(), state.life);
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(milliseconds.into())).await;
                        let mut state = network.state();
                        if state.life == life && !state.quiet {
                            network.kill(&mut state, down, forgets);
                        }
                    });
                    return whole(state);
                }
                if when == Moment::After {
                    whole(state);
                }
                self.kill(state, down, forgets);
                Wire::Dead
            }
            Fault::SaveFails(seconds) => {
                Self::block_saves(state, seconds);
                whole(state)
            }
            Fault::MarkFails(seconds) => {
                state.mark_fails = Some(seconds);
                whole(state)
            }
            // That was before it left.
            Fault::StopsBefore(_) => whole(state),
            Fault::StopsAfter(seconds) => {
                let wire = whole(state);
                state.stops(seconds);
                wire
            }
            Fault::StopsAtPlan(seconds) => {
                state.stops_at_plan = Some(seconds);
                whole(state)
            }
        }
    }
}

impl State {
    pub fn note(&mut self, what: &str) {
        let at = self.start.elapsed().as_secs_f64();
        self.trace.push(format!("{at:>10.3} {what}"));
    }

    /// The process is stopped: the world's time goes on, and nothing of the process runs meanwhile, not even its timers.
    fn stops(&mut self, seconds: u32) {
        self.note(&format!("stopped for {seconds} s"));
        // The time goes on with the first poll; the yield that would follow is nothing to wait for.
        let passes = tokio::time::advance(Duration::from_secs(seconds.into()));
        let _ = std::pin::pin!(passes).poll(&mut Context::from_waker(Waker::noop()));
        self.trouble_for(0);
    }

    fn trouble_for(&mut self, seconds: u32) {
        let ends = Instant::now() + Duration::from_secs(seconds.into());
        self.trouble_ends = self.trouble_ends.max(ends);
    }

    /// The time as repave's clock shows it.
    fn shown(&self) -> Timestamp {
        let shift = SignedDuration::from_secs(self.shift.load(Ordering::Relaxed));
        Timestamp::from_second((self.clock.now() + shift).as_second()).unwrap()
    }

    /// Lets creates have effect that come late.
    pub fn deliver_late(&mut self) {
        let now = self.clock.now();
        let mut late = std::mem::take(&mut self.late);
        late.sort_by_key(|(at, _)| *at);
        for (at, call) in late {
            if at <= now {
                let reply = self.account.call(at, &call);
                self.note(&format!(
                    "a late create has effect or not: {:?}",
                    reply.answer
                ));
            } else {
                self.late.push((at, call));
            }
        }
    }

    /// Lets a call have its effect.
    fn perform(&mut self, call: &Call, delay: Duration, rest: Rest) -> Wire {
        self.deliver_late();
        let now = self.clock.now();
        let mut reply = self.account.call(now, call);
        if let Answer::Ok(Output::Images { images, .. }) = &mut reply.answer {
            let any_age = self.schedule.hides_any_age();
            let hidden = self.hidden;
            images.retain(|image| {
                let name = image.name.as_deref().unwrap_or_default();
                let age = now.duration_since(image.created.unwrap_or(now));
                let touched = match hidden {
                    None => false,
                    Some(Hidden::All) => NAMES.contains(&name),
                    Some(Hidden::One(which)) => NAMES[which] == name,
                };
                !(touched && (any_age || age < SignedDuration::from_secs(300)))
            });
        }
        if let (Answer::Ok(Output::Images { images, next_token }), Rest::Whole) =
            (&reply.answer, rest)
        {
            self.watch.page(images, next_token.is_none());
        }
        self.answer(reply, delay, rest)
    }

    fn answer(&mut self, reply: Reply, delay: Duration, rest: Rest) -> Wire {
        self.taken = matches!(&reply.answer, Answer::Error(error) if error.code == ALREADY_EXISTS);
        Wire::Answer(server::response(reply).unwrap(), delay, rest)
    }

    /// Lets the account itself do what goes wrong.
    fn rigged(&mut self, call: &Call, fault: Rigged) -> Wire {
        self.account.add_fault(Rule::next(call.operation(), fault));
        self.perform(call, Duration::ZERO, Rest::Whole)
    }

    /// The service refuses.
    fn says(&mut self, code: &str, status: u16) -> Wire {
        let error = ServiceError {
            status,
            ..ServiceError::new(code, "no")
        };
        let reply = Reply {
            delay: Duration::ZERO,
            request_id: "r-1".into(),
            answer: Answer::Error(error),
        };
        self.answer(reply, Duration::ZERO, Rest::Whole)
    }

    /// Remembers what the client can know of a create.
    fn heard(&mut self, call: &Call, wire: &Wire, shown: Timestamp) {
        let Call::CreateUpdatedImage(input) = call else {
            return;
        };
        let heard = match wire {
            Wire::Refused => Heard::Refused,
            Wire::Answer(answer, ..) if answer.status().is_client_error() && !self.taken => {
                Heard::Refused
            }
            Wire::Answer(..) | Wire::Reset | Wire::Silence | Wire::Dead => Heard::Effect,
        };
        let name = input.name.as_deref().unwrap_or_default();
        self.watch.answered(name, shown, heard);
    }
}

impl HttpClient for Network {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Line {
            network: self.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

/// A connector: heeds the read timeout, as the SDK's own does.
#[derive(Debug)]
struct Line {
    network: Network,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if let Some(seconds) = self.network.stops_before_call() {
            self.network.state().stops(seconds);
        }
        let wire = self.network.arrive(&request);
        let read_timeout = self.read_timeout;
        HttpConnectorFuture::new(async move {
            match wire {
                Wire::Answer(answer, delay, rest) => {
                    if !delay.is_zero() {
                        sleep(delay).await;
                    }
                    Ok(answered(answer, rest).await)
                }
                Wire::Refused => Err(ConnectorError::io(refused().await)),
                Wire::Reset => Err(ConnectorError::io(
                    std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
                )),
                Wire::Silence => {
                    match read_timeout {
                        Some(timeout) => sleep(timeout).await,
                        None => std::future::pending().await,
                    }
                    let error = std::io::Error::from(std::io::ErrorKind::TimedOut);
                    Err(ConnectorError::timeout(error.into()))
                }
                Wire::Dead => std::future::pending().await,
            }
        })
    }
}

/// The error of the SDK's own HTTP client where no connection is made, without a socket: it speaks no such scheme.
async fn refused() -> Box<dyn std::error::Error + Send + Sync> {
    use hyper_util::client::legacy::{Client, connect::HttpConnector};
    let client = Client::builder(hyper_util::rt::TokioExecutor::new())
        .build::<_, Empty<Bytes>>(HttpConnector::new());
    let request = Request::get("https://127.0.0.1/").body(Empty::new());
    client.request(request.unwrap()).await.unwrap_err().into()
}

async fn answered(answer: Response<Full<Bytes>>, rest: Rest) -> HttpResponse {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let half = body.slice(..body.len().div_ceil(2));
    let body = match rest {
        Rest::Whole => SdkBody::from(body),
        Rest::Half => SdkBody::from(half),
        Rest::Nothing => SdkBody::from(Bytes::new()),
        Rest::Endless => SdkBody::from_body_1_x(Endless(Some(half))),
    };
    let status = StatusCode::try_from(head.status.as_u16()).unwrap();
    let mut answer = HttpResponse::new(status, body);
    for (name, value) in &head.headers {
        let value = value.to_str().unwrap().to_owned();
        answer.headers_mut().insert(name.as_str().to_owned(), value);
    }
    answer
}

/// A body that gives something, and then neither more nor an end.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}
