//! What a node counts of itself, for Prometheus. Names begin with `kefu_`, durations are seconds.
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};
use std::{fmt, sync::Arc, time::Duration};

/// Counters that handlers and streams move, and gauges that are read when somebody asks.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Entries that were committed and acknowledged.
    pub acknowledged: Counter,
    /// Repeats of a send that found what the first had done.
    pub duplicates: Counter,
    /// Times a reader had to read the log because news was missing.
    pub gaps_filled: Counter,
    /// Readers that were told to load the page again.
    pub resets: Counter,
    /// Conversations and rows whose change nobody had told, found by looking.
    pub healed: Counter,
    /// Lines closed because nobody read them.
    pub slow_closes: Counter,
    pub accept_errors: Counter,
    /// Entries that this node let the search find.
    pub searchable: Counter,
    /// Conversations that are still to be looked at by the node that does so.
    pub unsearchable: Gauge,
    streams: Family<Began, Counter>,
    requests: Family<Answered, Histogram>,
    transactions: Histogram,
    hints_dropped: Gauge,
    hints_waiting: Gauge,
    streams_open: Gauge,
    nodes: Gauge,
    bus: Gauge,
    connections: Family<Connection, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Began {
    /// `yes` for a reader that came back with a cursor.
    resumed: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connection {
    /// `busy` or `idle`.
    state: &'static str,
}

/// What is true at the moment somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    pub streams: usize,
    pub nodes: usize,
    pub on_bus: bool,
    pub hints_dropped: u64,
    pub hints_waiting: usize,
    pub connections_busy: usize,
    pub connections_idle: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("kefu");
        let acknowledged =
            kept(&mut registry, "entries_acknowledged", "Entries committed and acknowledged");
        let duplicates =
            kept(&mut registry, "duplicates_absorbed", "Repeated sends that made nothing new");
        let gaps_filled =
            kept(&mut registry, "gaps_filled", "Times a reader read the log for missing news");
        let resets = kept(&mut registry, "resets_sent", "Readers told to load the page again");
        let healed =
            kept(&mut registry, "changes_healed", "Changes nobody had told, found by looking");
        let slow_closes =
            kept(&mut registry, "slow_closes", "Lines closed because nobody read them");
        let accept_errors =
            kept(&mut registry, "accept_errors", "Connections that could not be accepted");
        let searchable =
            kept(&mut registry, "entries_indexed", "Entries that this node let the search find");
        let unsearchable = kept(
            &mut registry,
            "conversations_unindexed",
            "Conversations that the search does not know to their end, where it is looked after",
        );
        let hints_dropped =
            kept(&mut registry, "hints_dropped", "News for other nodes that was not sent");
        let hints_waiting =
            kept(&mut registry, "hints_waiting", "News for other nodes waiting to be sent");
        let streams_open = kept(&mut registry, "streams_open", "Open streams and sockets");
        let nodes =
            kept(&mut registry, "nodes", "Nodes that serve this database, this one included");
        let bus = kept(&mut registry, "bus_connected", "1 while the bus between nodes is here");
        let streams = Family::<Began, Counter>::default();
        // A rate wants to begin at 0.
        for resumed in ["yes", "no"] {
            drop(streams.get_or_create(&Began { resumed }));
        }
        registry.register("streams", "Streams and sockets that began", streams.clone());
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 14));
        let requests = Family::new_with_constructor(seconds as fn() -> Histogram);
        registry.register("http_request_seconds", "From a request to its answer", requests.clone());
        let transactions = seconds();
        let help = "From wanting to append until committed, waiting for a connection included";
        registry.register("append_seconds", help, transactions.clone());
        let connections = Family::default();
        registry.register("db_connections", "Connections to the database", connections.clone());
        Self {
            registry: Arc::new(registry),
            acknowledged,
            duplicates,
            gaps_filled,
            resets,
            healed,
            slow_closes,
            accept_errors,
            searchable,
            unsearchable,
            streams,
            requests,
            transactions,
            hints_dropped,
            hints_waiting,
            streams_open,
            nodes,
            bus,
            connections,
        }
    }
}

/// A metric that begins at 0, known to the registry.
fn kept<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    pub fn stream_began(&self, resumed: bool) {
        let resumed = if resumed { "yes" } else { "no" };
        self.streams.get_or_create(&Began { resumed }).inc();
    }

    /// Methods are told apart as far as we know them, so that nobody can make up labels.
    pub fn answered(&self, method: &str, status: u16, took: Duration) {
        let known = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"].contains(&method);
        let method = if known { method } else { "other" }.to_owned();
        self.requests.get_or_create(&Answered { method, status }).observe(took.as_secs_f64());
    }

    pub fn appended(&self, took: Duration) {
        self.transactions.observe(took.as_secs_f64());
    }

    /// Everything, in the OpenMetrics text format.
    pub fn text(&self, now: Now) -> Result<String, fmt::Error> {
        let set = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.hints_dropped, now.hints_dropped);
        set(&self.hints_waiting, now.hints_waiting as u64);
        set(&self.streams_open, now.streams as u64);
        set(&self.nodes, now.nodes as u64);
        set(&self.bus, now.on_bus.into());
        for (state, value) in [("busy", now.connections_busy), ("idle", now.connections_idle)] {
            set(&self.connections.get_or_create(&Connection { state }), value as u64);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(…)")
    }
}
