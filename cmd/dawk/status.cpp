#include "cmd/dawk/status.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "dawk/observe/json_line.hpp"

namespace dawk::cmd {

std::string status_json(mta::Settings const& settings, StatusFacts const& facts) {
    boost::json::array listeners(facts.listeners.begin(), facts.listeners.end());
    boost::json::object const queue = {
        {"ready", facts.queue.ready},           {"delivering", facts.queue.flying},
        {"connections", facts.queue.carriers},  {"destinations", facts.queue.destinations},
        {"backed_off", facts.queue.backed_off}, {"commit_failures", facts.queue.commit_failures},
    };
    boost::json::object const spool = {
        {"messages", facts.usage.messages},
        {"exact", facts.usage.exact},
        {"content_bytes", facts.usage.content_bytes},
        {"disk_free_bytes", facts.usage.disk_free_bytes},
    };
    boost::json::object const out = {
        {"version", DAWK_VERSION},
        {"hostname", settings.hostname},
        {"config", facts.config},
        {"ready", facts.readiness.empty()},
        {"reason", facts.readiness},
        {"started", observe::to_utc(facts.started)},
        {"uptime_seconds", (facts.now - facts.started).count() / 1000},
        {"listeners", listeners},
        {"queue", queue},
        {"spool", spool},
    };
    return boost::json::serialize(out) + "\n";
}

std::string needs_restart(mta::Settings const& old, mta::Settings const& fresh) {
    std::string keys;
    auto const add = [&keys](bool differs, char const* key) {
        if (differs) keys += std::string(keys.empty() ? "" : ", ") + key;
    };
    add(old.state_dir != fresh.state_dir, "state_dir");
    add(old.admin_socket != fresh.admin_socket, "admin_socket");
    add(old.threads != fresh.threads, "threads");
    add(old.postmaster != fresh.postmaster, "postmaster");
    add(old.http_address != fresh.http_address, "http.address");
    add(old.dns.forwarders != fresh.dns.forwarders, "dns.forwarders");
    add(old.spool.large_content_bytes != fresh.spool.large_content_bytes, "spool.large_content");
    add(old.spool.history_age != fresh.spool.history_age, "spool.history_age");
    add(old.spool.history_bytes != fresh.spool.history_bytes, "spool.history_size");
    add(old.limits.disk_free_min_bytes != fresh.limits.disk_free_min_bytes, "limits.disk_free_min");
    add(old.log.file != fresh.log.file, "log.file");
    add(old.dmarc_reports.inbox != fresh.dmarc_reports.inbox, "dmarc.reports.inbox");
    return keys;
}

}  // namespace dawk::cmd
