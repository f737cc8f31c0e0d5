#include "cmd/dawk/server.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "dawk/config/config.hpp"
#include "dawk/directory_sqlite/sqlite_directory.hpp"
#include "dawk/http/server.hpp"
#include "dawk/mta/deliverer.hpp"
#include "dawk/mta/queue_admin.hpp"
#include "dawk/mta/queue_runner.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/net/world.hpp"
#include "dawk/observe/json_line.hpp"
#include "dawk/observe/observer.hpp"
#include "dawk/spool_rocks/rocks_spool.hpp"

#include "cmd/dawk/dkim_store.hpp"
#include "cmd/dawk/privileges.hpp"
#include "cmd/dawk/ready.hpp"
#include "cmd/dawk/reporting.hpp"
#include "cmd/dawk/status.hpp"

namespace dawk::cmd {

namespace asio = boost::asio;

constexpr auto reload_pause = std::chrono::milliseconds(50);

void throw_exception_from_error(Server::Failure const& failure, boost::source_location const&) {
    throw std::runtime_error(failure.reason);
}

namespace {

Server::Failure failure(int code, std::string reason) {
    return {code, std::move(reason)};
}

// One thread for two cores: the second one is well used by the commit thread and the kernel. But
// two at least: checks and handshakes make one the bottleneck while a core is left.
unsigned shards_of(mta::Settings const& settings) {
    if (settings.threads > 0) return settings.threads;
    return std::max(2U, std::thread::hardware_concurrency() / 2);
}

WallTime wall_now() {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

sigset_t served_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
    return set;
}

rt::HttpResponse json(unsigned status, std::string body) {
    rt::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

rt::HttpResponse problem(unsigned status, std::string_view detail) {
    std::string body = "{\"error\":";
    observe::append_string(body, detail);
    return json(status, body + "}\n");
}

}  // namespace

namespace {

// The configuration with its keys; no settings when there is trouble.
struct Everything {
    mta::SettingsPtr settings;
    std::string trouble;
    std::vector<std::string> notes;
};

Everything load_all(std::string const& path, WallTime now) {
    Everything out;
    auto const loaded = config::load(path, now);
    out.trouble = loaded.text();
    if (!loaded.settings) return out;
    auto signing = load_signing(*loaded.settings, &out.notes);
    if (!signing) {
        out.trouble += signing.error().detail;
        return out;
    }
    auto settings = std::make_shared<mta::Settings>(*loaded.settings);
    settings->signing = std::move(*signing);
    out.settings = std::move(settings);
    return out;
}

std::vector<std::string> domains_of(mta::Settings const& settings) {
    std::vector<std::string> names;
    for (auto const& domain : settings.routing.domains) names.push_back(domain.name);
    return names;
}
}  // namespace

// What lives on one shard.
struct Shard {
    rt::Env env;
    std::unique_ptr<directory_sqlite::SqliteDirectory> directory;
    std::unique_ptr<mta::RouteDeliverer> deliverer;
    std::unique_ptr<mta::Receiver> receiver;
    explicit Shard(rt::Env e) : env(std::move(e)) {}
};

struct Server::Impl {
    ServeOptions options;
    mta::SettingsPtr settings;
    std::vector<std::string> notes;  // of the start, for the log
    std::shared_ptr<rt::TlsIdentity const> identity;
    std::unique_ptr<observe::Log> log;
    observe::Metrics metrics;
    std::unique_ptr<observe::Observer> observer;
    std::unique_ptr<net::World> world;
    std::vector<std::unique_ptr<Shard>> shards;
    std::shared_ptr<directory_sqlite::Database> database;
    std::unique_ptr<spool_rocks::RocksSpool> spool;
    std::unique_ptr<mta::QueueRunner> queue;
    std::unique_ptr<Reporting> reporting;                // null where its database cannot be opened
    std::shared_ptr<mta::ConnectionCounts> connections;  // of all shards
    std::unique_ptr<http::Server> admin_http, public_http;
    std::unique_ptr<rt::TaskGroup> tasks;  // on shard 0
    std::atomic<bool> is_ready{false};
    WallTime started{};
    bool stopping = false;       // on shard 0
    std::promise<void> stopped;  // until then every shard has somebody to talk to
    bool reloading = false;      // on shard 0
    bool reload_waits = false;   // told by a signal while one was under way

    Failure start();
    Failure load_settings();
    Failure load_keys();
    Failure open_stores();
    Failure open_listeners();
    void open_reporting();
    Failure open_http();
    void add_gauges();
    void say(std::string_view level, std::string_view text);

    rt::Env& env() { return shards.front()->env; }
    Task<rt::HttpResponse> on_admin(rt::HttpRequest request);
    Task<rt::HttpResponse> on_public(rt::HttpRequest request);
    Task<std::string> reload();
    Task<std::string> reload_shards(mta::SettingsPtr fresh,
                                    std::shared_ptr<rt::TlsIdentity const> fresh_identity);
    Task<std::string> configure_shard(std::size_t index, mta::SettingsPtr fresh,
                                      std::shared_ptr<rt::TlsIdentity const> fresh_identity);
    Task<void> reload_by_signal();
    Task<void> stop();
    Task<void> stop_receiver(std::size_t index);
    void spawn_reload() { tasks->spawn(reload_by_signal()); }
    void spawn_stop();
    rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> identity_of(
        mta::Settings const& of);
    std::string readiness() const;
};

void Server::Impl::say(std::string_view level, std::string_view text) {
    std::string line;
    observe::append_json(line, env().clock.wall(), level, text);
    log->append(line);
}

Server::Failure Server::Impl::load_settings() {
    auto loaded = config::load(options.config, wall_now());
    auto const text = loaded.text();
    if (!text.empty()) std::fputs(text.c_str(), stderr);
    if (!loaded.settings) return failure(EX_CONFIG, options.config + " cannot be used");
    settings = loaded.settings;
    return failure(0, {});
}

// With the identity of the server's user: what it may not read is found out now.
Server::Failure Server::Impl::load_keys() {
    auto signing = load_signing(*settings, &notes);
    if (!signing) return failure(EX_CONFIG, signing.error().detail);
    auto with_keys = std::make_shared<mta::Settings>(*settings);
    with_keys->signing = std::move(*signing);
    settings = std::move(with_keys);
    return failure(0, {});
}

rt::ExplainedResult<std::shared_ptr<rt::TlsIdentity const>> Server::Impl::identity_of(
    mta::Settings const& of) {
    if (of.tls.certificate.empty()) return std::shared_ptr<rt::TlsIdentity const>();
    return env().network.load_identity(of.tls.certificate, of.tls.key);
}

// A spool that cannot be trusted is another matter than one that is in use or cannot be reached:
// starting again does not help.
static Server::Failure spool_failure(std::string const& folder, rt::Explained const& why) {
    bool const names_it = why.detail.find(folder) != std::string::npos;
    auto words = names_it ? why.detail : folder + ": " + why.detail;
    if (why.code == Errc::unsupported) return failure(EX_DATAERR, std::move(words));
    if (why.code != Errc::corrupt) return failure(EX_UNAVAILABLE, std::move(words));
    return failure(EX_DATAERR,
                   words +
                       "\nNothing is served from a damaged spool. See what it holds with "
                       "`dawk spool check`, save it with `dawk spool repair`.");
}

Server::Failure Server::Impl::open_stores() {
    auto opened_log = observe::Log::open(settings->log.file);
    if (!opened_log)
        return failure(EX_CANTCREAT, settings->log.file + ": " + opened_log.error().message());
    log = std::move(*opened_log);
    observer = std::make_unique<observe::Observer>(*log, metrics);
    auto opened = directory_sqlite::Database::open(settings->state_dir + "/directory.db");
    if (!opened) {
        return failure(EX_UNAVAILABLE,
                       settings->state_dir + "/directory.db: " + opened.error().message());
    }
    database = std::move(*opened);
    database->set_configured_domains(domains_of(*settings));
    spool_rocks::RocksOptions rocks;
    rocks.folder = settings->state_dir + "/spool";
    rocks.large_content_bytes = settings->spool.large_content_bytes;
    rocks.disk_free_min_bytes = settings->limits.disk_free_min_bytes;
    rocks.history_age = settings->spool.history_age;
    rocks.history_bytes = settings->spool.history_bytes;
    rocks.report = [this](std::string_view text) { say("error", text); };
    auto made = spool_rocks::RocksSpool::open(env().pool, env().clock, env().files, rocks);
    if (!made) return spool_failure(rocks.folder, made.error());
    spool = std::move(*made);
    return failure(0, {});
}

// Reports are no reason not to serve mail.
void Server::Impl::open_reporting() {
    auto const path = settings->state_dir + "/reports.db";
    auto opened = reports_sqlite::Database::open(path);
    if (!opened) {
        say("error",
            "no DMARC reports are made or read: " + path + ": " + opened.error().message());
        return;
    }
    reporting = std::make_unique<Reporting>(
        std::move(*opened), settings, *queue,
        [this](std::string_view level, std::string const& text) { say(level, text); });
    for (auto& shard : shards)
        reporting->add_shard(shard->env, *spool, *shard->directory, *observer);
    reporting->start();
}

Server::Failure Server::Impl::open_listeners() {
    auto loaded = identity_of(*settings);
    if (!loaded)
        return failure(EX_CONFIG, settings->tls.certificate + ": " + loaded.error().detail);
    identity = std::move(*loaded);
    mta::QueueDeps deps{*spool, *observer, *shards.front()->directory, {}};
    for (auto& shard : shards) deps.shards.push_back({shard->env, *shard->deliverer});
    queue = std::make_unique<mta::QueueRunner>(std::move(deps), settings);
    open_reporting();
    mta::AcceptedSink& accepted = reporting ? reporting->accepted() : *queue;
    connections = std::make_shared<mta::ConnectionCounts>(
        std::max(8192U, settings->limits.connections), env().rng.next());
    for (std::size_t i = 0; i < shards.size(); ++i) {
        auto& shard = shards[i];
        shard->receiver = std::make_unique<mta::Receiver>(
            shard->env, *spool, *shard->directory, *observer, accepted, connections,
            reporting ? reporting->verdicts(i) : nullptr);
        std::string address;
        auto configured = shard->receiver->configure(settings, identity);
        if (configured) configured = shard->receiver->open(shards.size() > 1, &address);
        if (!configured)
            return failure(EX_UNAVAILABLE, address + ": " + configured.error().message());
    }
    return failure(0, {});
}

Server::Failure Server::Impl::open_http() {
    http::Limits const limits;
    admin_http = std::make_unique<http::Server>(
        env(), [this](rt::HttpRequest request) { return on_admin(std::move(request)); }, limits);
    // A relative path is meant from here, even where the folders above are closed to the server's
    // user.
    bool const is_absolute = settings->admin_socket.starts_with('/');
    auto const socket = (is_absolute ? "unix:" : "unix:/proc/self/cwd/") + settings->admin_socket;
    if (auto bound = admin_http->listen(socket); !bound) {
        return failure(EX_UNAVAILABLE, socket + ": " + bound.error().message());
    }
    if (settings->http_address.empty()) return failure(0, {});
    public_http = std::make_unique<http::Server>(
        env(), [this](rt::HttpRequest request) { return on_public(std::move(request)); }, limits);
    if (auto bound = public_http->listen(settings->http_address); !bound) {
        return failure(EX_UNAVAILABLE, settings->http_address + ": " + bound.error().message());
    }
    return failure(0, {});
}

Server::Failure Server::Impl::start() {
    auto signals = served_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    ::umask(0077);
    if (auto bad = load_settings(); bad.exit_code != 0) return bad;
    net::WorldSettings outside;
    outside.shards = shards_of(*settings);
    outside.resolver.forwarders = settings->dns.forwarders;
    world = std::make_unique<net::World>(std::move(outside));
    auto trouble = become_owner_of(settings->state_dir, options.allow_root);
    if (!trouble.empty()) return failure(EX_NOPERM, std::move(trouble));
    for (std::size_t i = 0; i < world->size(); ++i)
        shards.push_back(std::make_unique<Shard>(world->env(i)));
    started = env().clock.wall();
    if (auto bad = load_keys(); bad.exit_code != 0) return bad;
    if (auto bad = open_stores(); bad.exit_code != 0) return bad;
    for (auto const& note : notes) say("warning", note);
    directory_sqlite::Options directory;
    if (auto postmaster = mail::parse_mailbox(settings->postmaster))
        directory.postmaster = *postmaster;
    for (auto& shard : shards) {
        shard->directory = std::make_unique<directory_sqlite::SqliteDirectory>(
            database, shard->env.pool, shard->env.clock, directory);
        shard->deliverer = std::make_unique<mta::RouteDeliverer>(shard->env);
    }
    tasks = std::make_unique<rt::TaskGroup>(env().executor);
    if (auto bad = open_listeners(); bad.exit_code != 0) return bad;
    if (auto bad = open_http(); bad.exit_code != 0) return bad;
    drop_last_rights();
    add_gauges();
    queue->start();
    return failure(0, {});
}

void Server::Impl::add_gauges() {
    metrics.add_gauge("dawk_queue_ready", "Jobs in memory that wait for a connection.",
                      [this] { return static_cast<double>(queue->stats().ready); });
    metrics.add_gauge("dawk_queue_flying", "Jobs being delivered.",
                      [this] { return static_cast<double>(queue->stats().flying); });
    metrics.add_gauge("dawk_queue_carriers", "Connections and mailbox writers at work.",
                      [this] { return static_cast<double>(queue->stats().carriers); });
    metrics.add_gauge("dawk_destinations", "Destinations known in memory.",
                      [this] { return static_cast<double>(queue->stats().destinations); });
    metrics.add_gauge("dawk_destinations_backed_off", "Of them, those whose host failed.",
                      [this] { return static_cast<double>(queue->stats().backed_off); });
    metrics.add_gauge("dawk_sessions_open", "SMTP sessions open.",
                      [this] { return static_cast<double>(connections->open()); });
    metrics.add_gauge("dawk_spool_in_trouble", "1 while the spool refuses new mail.",
                      [this] { return spool->is_in_trouble() ? 1.0 : 0.0; });
    metrics.add_gauge("dawk_log_lines_dropped", "Lines of the log that were dropped.",
                      [this] { return static_cast<double>(log->dropped()); });
}

std::string Server::Impl::readiness() const {
    if (!is_ready) return "not serving";
    if (spool->is_in_trouble()) return "the spool refuses new mail";
    return {};
}

Task<rt::HttpResponse> Server::Impl::on_public(rt::HttpRequest request) {
    auto const path = request.target.substr(0, request.target.find('?'));
    if (request.method != "GET" && request.method != "HEAD") co_return problem(405, "only GET");
    rt::HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    if (path == "/metrics") {
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = metrics.render();
        co_return response;
    }
    if (path == "/healthz") {
        response.body = "ok\n";
        co_return response;
    }
    if (path == "/readyz") {
        auto const why_not = readiness();
        response.status = why_not.empty() ? 200 : 503;
        response.body = (why_not.empty() ? "ready" : why_not) + "\n";
        co_return response;
    }
    co_return problem(
        404, "there are /metrics, /healthz and /readyz here; administration is on the unix socket");
}

Task<rt::HttpResponse> Server::Impl::on_admin(rt::HttpRequest request) {
    auto const path = request.target.substr(0, request.target.find('?'));
    if (path == "/v1/status") {
        auto const usage = co_await spool->usage();
        StatusFacts facts;
        facts.config = options.config;
        facts.started = started;
        facts.now = env().clock.wall();
        facts.readiness = readiness();
        if (usage) facts.usage = *usage;
        facts.queue = queue->stats();
        for (auto const& endpoint : shards.front()->receiver->endpoints())
            facts.listeners.push_back(endpoint.text());
        co_return json(200, status_json(*settings, facts));
    }
    if (path == "/v1/reload") {
        if (request.method != "POST") co_return problem(405, "POST it");
        bool const is_busy = reloading || stopping;
        auto const why_not = co_await reload();
        if (!why_not.empty()) co_return problem(is_busy ? 503 : 422, why_not);
        co_return json(200, "{\"result\":\"reloaded\"}\n");
    }
    if (path == "/v1/stop") {
        if (request.method != "POST") co_return problem(405, "POST it");
        ::kill(::getpid(), SIGTERM);
        co_return json(202, "{\"result\":\"stopping\"}\n");
    }
    if (path == "/metrics" || path == "/healthz" || path == "/readyz") {
        co_return co_await on_public(std::move(request));
    }
    if (path.starts_with("/v1/queue") || path.starts_with("/v1/explain")) {
        mta::QueueAdmin admin(*queue);
        co_return co_await admin.handle(std::move(request));
    }
    co_return problem(404, "there is nothing at " + path);
}

Task<std::string> Server::Impl::configure_shard(
    std::size_t index, mta::SettingsPtr fresh,
    std::shared_ptr<rt::TlsIdentity const> fresh_identity) {
    auto& receiver = *shards[index]->receiver;
    std::string address;
    if (reporting) reporting->configure(index, fresh);
    auto done = receiver.configure(std::move(fresh), std::move(fresh_identity));
    if (done) done = receiver.open(shards.size() > 1, &address);
    std::string why_not;
    if (!done) why_not = address + ": " + done.error().message();
    co_return why_not;
}

Task<std::string> Server::Impl::reload_shards(
    mta::SettingsPtr fresh, std::shared_ptr<rt::TlsIdentity const> fresh_identity) {
    std::string why_not;
    for (std::size_t i = 0; i < shards.size() && why_not.empty(); ++i) {
        auto executor = shards[i]->env.executor;
        auto task = configure_shard(i, fresh, fresh_identity);
        why_not = co_await asio::co_spawn(executor, std::move(task), asio::use_awaitable);
    }
    co_return why_not;
}

// "" when the new configuration is in force; else why it is not, and nothing has changed.
Task<std::string> Server::Impl::reload() {
    std::string why_not = stopping ? "the server is stopping" : "a reload is under way";
    if (reloading || stopping) co_return why_not;
    struct UnderWay {
        explicit UnderWay(bool& f) : flag(f) { flag = true; }
        ~UnderWay() { flag = false; }
        UnderWay(UnderWay const&) = delete;
        UnderWay& operator=(UnderWay const&) = delete;
        bool& flag;
    };
    UnderWay const under_way(reloading);
    auto job = [path = options.config, now = env().clock.wall()] { return load_all(path, now); };
    auto loaded = co_await rt::offload(env().pool, job);
    why_not = loaded.trouble;
    if (!loaded.settings) co_return why_not;
    for (auto const& note : loaded.notes) say("warning", note);
    auto const fixed = needs_restart(*settings, *loaded.settings);
    if (!fixed.empty()) {
        why_not = "this needs a restart: " + fixed;
        co_return why_not;
    }
    auto fresh_identity = identity_of(*loaded.settings);
    if (!fresh_identity) {
        why_not = loaded.settings->tls.certificate + ": " + fresh_identity.error().detail;
        co_return why_not;
    }
    why_not = co_await reload_shards(loaded.settings, *fresh_identity);
    if (!why_not.empty()) {  // back to what was
        auto const again = co_await reload_shards(settings, identity);
        if (!again.empty()) why_not += "; and on the way back: " + again;
        co_return why_not;
    }
    settings = loaded.settings;
    identity = *fresh_identity;
    database->set_configured_domains(domains_of(*settings));
    queue->reload(settings);
    say("info", "configuration reloaded from " + options.config);
    co_return why_not;
}

Task<void> Server::Impl::reload_by_signal() {
    auto const reopened = log->reopen();
    if (!reopened) say("error", "log not reopened: " + reopened.error().message());
    if (reload_waits) co_return;  // that one will read the file as it is then
    reload_waits = true;
    while (reloading) {
        auto const again = env().clock.steady() + reload_pause;
        co_await env().clock.sleep_until(again);
    }
    reload_waits = false;
    auto const why_not = co_await reload();
    if (!why_not.empty()) say("error", "configuration not reloaded, the old one stays: " + why_not);
}

void Server::Impl::spawn_stop() {
    if (stopping) return;
    stopping = true;
    tasks->spawn(stop());
}

Task<void> Server::Impl::stop_receiver(std::size_t index) {
    auto& shard = *shards[index];
    if (!shard.receiver) co_return;
    auto executor = shard.env.executor;
    auto task = shard.receiver->stop();
    co_await asio::co_spawn(executor, std::move(task), asio::use_awaitable);
}

// Also after a start that failed half-way: what is not there yet is passed over.
Task<void> Server::Impl::stop() {
    struct Told {
        std::promise<void>& promise;
        ~Told() { promise.set_value(); }
    };
    Told const told{stopped};
    is_ready = false;
    notify_manager("STOPPING=1");
    auto const deadline = env().clock.steady() + settings->grace;
    // All at once: the grace is one for all, and none may take what another refuses already.
    rt::TaskGroup receivers(env().executor);
    for (std::size_t i = 0; i < shards.size(); ++i) receivers.spawn(stop_receiver(i));
    co_await receivers.join();
    for (std::size_t i = 0; reporting && i < shards.size(); ++i) {
        auto executor = shards[i]->env.executor;
        auto task = reporting->stop_shard(i);
        co_await asio::co_spawn(executor, std::move(task), asio::use_awaitable);
    }
    if (queue) co_await queue->stop(deadline);
    if (public_http) co_await public_http->stop();
    if (admin_http) co_await admin_http->stop();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
    if (!impl_->world) return;
    impl_->world->stop();
    impl_->admin_http.reset();
    impl_->public_http.reset();
    for (auto& shard : impl_->shards) shard->receiver.reset();
    impl_->reporting.reset();
    impl_->queue.reset();
    impl_->tasks.reset();
    impl_->shards.clear();
    impl_->world.reset();  // with what tasks are left; they need the spool
    impl_->spool.reset();
}

boost::system::result<std::unique_ptr<Server>, Server::Failure> Server::open(ServeOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    auto bad = impl->start();
    if (bad.exit_code != 0) {
        std::string const reason = bad.reason;
        if (impl->tasks) {  // listeners may be open, and tasks wait on them
            impl->world->start();
            asio::post(impl->env().executor, [state = impl.get()] { state->spawn_stop(); });
            impl->stopped.get_future().wait();
            impl->world->join();
        }
        Server const ends(std::move(impl));
        return failure(bad.exit_code, reason);
    }
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

int Server::run() {
    auto& server = *impl_;
    server.world->start();
    server.is_ready = true;
    std::string where;
    for (auto const& endpoint : server.shards.front()->receiver->endpoints())
        where += " " + endpoint.text();
    server.say("info", "serving on" + where);
    server.log->flush();
    notify_manager("READY=1");
    auto const signals = served_signals();
    for (bool running = true; running;) {
        int signal = 0;
        if (sigwait(&signals, &signal) != 0) continue;
        if (signal == SIGHUP)
            asio::post(server.env().executor, [&server] { server.spawn_reload(); });
        if (signal == SIGUSR1) {
            auto const reopened = server.log->reopen();
            if (!reopened) server.say("error", "log not reopened: " + reopened.error().message());
        }
        if (signal != SIGTERM && signal != SIGINT) continue;
        server.say("info", "stopping: open transactions are finished, new ones refused");
        asio::post(server.env().executor, [&server] { server.spawn_stop(); });
        running = false;
    }
    // A second signal ends the process at once: what is durable is durable.
    std::thread([signals] {
        int signal = 0;
        while (sigwait(&signals, &signal) == 0) {
            if (signal == SIGTERM || signal == SIGINT) ::_exit(EX_TEMPFAIL);
        }
    }).detach();
    // A shard that has nothing left to do would end, and the others would ask it in vain.
    server.stopped.get_future().wait();
    server.world->join();
    server.say("info", "stopped");
    server.log->flush();
    return 0;
}

}  // namespace dawk::cmd
