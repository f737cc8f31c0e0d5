#include "dawk/net/resolver_engine.hpp"

#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/eventfd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/net/rdata.hpp"
#include "dawk/net/work_pool.hpp"
#include "dawk/rt/stream.hpp"

namespace dawk::net {
namespace {

std::string plain(char const* text) {
    std::string name = text == nullptr ? "" : ascii::to_lower(text);
    if (name.ends_with('.')) name.pop_back();
    return name;
}

}  // namespace

void ResolverEngine::set(char const* option, char const* value) {
    int const error = ub_ctx_set_option(context_.get(), option, value);
    if (error != 0 && trouble_.empty()) {
        trouble_ =
            std::string("libunbound refuses ") + option + " " + value + ": " + ub_strerror(error);
    }
}

void ResolverEngine::add_forwarder(std::string const& text) {
    std::string with_port = text;
    bool const bare_v6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
    if (bare_v6) with_port = "[" + text + "]";
    if (bare_v6 || text.find(':') == std::string::npos || text.ends_with(']')) with_port += ":53";
    auto const endpoint = rt::parse_endpoint(with_port);
    int error = 0;
    if (endpoint && !endpoint->is_unix()) {
        auto const target = endpoint->address + "@" + std::to_string(endpoint->port);
        error = ub_ctx_set_fwd(context_.get(), target.c_str());
    }
    if (!endpoint || endpoint->is_unix() || error != 0) {
        trouble_ = "not the address of a resolver: " + ascii::printable(text, 100);
    }
}

void ResolverEngine::configure() {
    ub_ctx_async(context_.get(), 1);
    set("do-not-query-localhost:", "no");
    // Reverse names of private networks are known to the resolvers of that network.
    set("unblock-lan-zones:", "yes");
    set("insecure-lan-zones:", "yes");
    set("harden-dnssec-stripped:", settings_.dnssec_strict ? "yes" : "no");
    for (auto const& forwarder : settings_.forwarders) add_forwarder(forwarder);
    if (settings_.forwarders.empty() && !settings_.resolv_conf.empty()) {
        int const error = ub_ctx_resolvconf(context_.get(), settings_.resolv_conf.c_str());
        if (error != 0)
            trouble_ = "cannot use " + settings_.resolv_conf + ": " + ub_strerror(error);
    }
    add_trust_anchor();
    if (settings_.forwarders.empty()) return;
    // The upstream was chosen by name: it also knows the zones that are otherwise answered here.
    // (Last: it ends libunbound's time of settings.)
    for (char const* zone : {"localhost.", "test.", "home.arpa.", "127.in-addr.arpa."}) {
        ub_ctx_zone_remove(context_.get(), zone);
    }
}

void ResolverEngine::add_trust_anchor() {
    if (settings_.trust_anchor_file.empty()) return;
    if (::access(settings_.trust_anchor_file.c_str(), R_OK) != 0) return;
    int const error = ub_ctx_add_ta_file(context_.get(), settings_.trust_anchor_file.c_str());
    if (error == 0) return;
    trouble_ = "cannot use " + settings_.trust_anchor_file + ": " + ub_strerror(error);
}

ResolverEngine::ResolverEngine(ResolverSettings settings)
    : settings_(std::move(settings)), context_(ub_ctx_create()), stop_(::eventfd(0, EFD_CLOEXEC)) {
    DAWK_CHECK(context_ != nullptr && stop_);
    configure();
    thread_ = std::thread([this] {
        block_signals();
        name_thread("dawk-dns");
        watch();
    });
}

ResolverEngine::~ResolverEngine() {
    std::uint64_t const one = 1;
    DAWK_CHECK(::write(stop_.get(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
    context_.reset();  // ends libunbound's thread; no callback comes after
}

void ResolverEngine::watch() {
    std::array<pollfd, 2> fds{{{ub_fd(context_.get()), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    while (fds[1].revents == 0) {
        int const ready = ::poll(fds.data(), fds.size(), -1);
        DAWK_CHECK(ready >= 0 || errno == EINTR);
        if (ready > 0 && fds[0].revents != 0) ub_process(context_.get());
    }
}

void ResolverEngine::answered(void* asked, int error, ub_result* raw) {
    auto const& self = *static_cast<Asked*>(asked);
    self.engine->finish(self, UnboundResult(raw), error == 0 ? "" : ub_strerror(error));
}

void ResolverEngine::finish(Asked const& asked, UnboundResult result, std::string words) {
    std::lock_guard const lock(mutex_);
    auto const own = asked_.extract(&asked);
    DAWK_CHECK(!own.empty());
    if (asked.take) asked.take(std::move(result), std::move(words));
}

void ResolverEngine::ask(void const* owner, dns::Question const& question, Take take) {
    auto made = std::make_unique<Asked>(Asked{this, owner, std::move(take)});
    Asked* const asked = made.get();
    {
        std::lock_guard const lock(mutex_);
        asked_.emplace(asked, std::move(made));
    }
    auto const name = question.name + ".";
    int const type = static_cast<int>(question.type);
    int error = UB_INITFAIL;
    if (trouble_.empty()) {
        error = ub_resolve_async(context_.get(), name.c_str(), type, 1, asked, answered, nullptr);
    }
    if (error == 0) return;
    finish(*asked, nullptr, trouble_.empty() ? ub_strerror(error) : trouble_);
}

void ResolverEngine::forget(void const* owner) {
    std::lock_guard const lock(mutex_);
    for (auto& entry : asked_) {
        if (entry.second->owner == owner) entry.second->take = nullptr;
    }
}

dns::Answer to_answer(dns::Question const& question, ub_result const& result) {
    dns::Answer answer;
    answer.canonical_name = result.canonname == nullptr ? question.name : plain(result.canonname);
    answer.secure = result.secure != 0;
    answer.ttl_seconds = result.ttl > 0 ? static_cast<std::uint32_t>(result.ttl) : 0;
    if (result.bogus != 0) {
        answer.status = dns::Status::bogus;
        answer.secure = false;
        answer.error_detail = result.why_bogus == nullptr ? "" : ascii::printable(result.why_bogus);
        return answer;
    }
    if (result.nxdomain != 0) {
        answer.status = dns::Status::nxdomain;
        return answer;
    }
    if (result.rcode != 0) {
        answer.error_detail = "response code " + std::to_string(result.rcode);
        if (result.rcode == 2) answer.error_detail = "SERVFAIL";
        return answer;
    }
    bool any = false;
    bool all = true;
    for (int i = 0; result.havedata != 0 && result.data[i] != nullptr; ++i) {
        std::string_view const data(result.data[i], static_cast<std::size_t>(result.len[i]));
        bool const taken = decode_record(question.type, data, answer);
        any |= taken;
        all &= taken;
    }
    // Records that cannot be read are no proof of absence.
    answer.status = any ? dns::Status::ok : all ? dns::Status::no_data : dns::Status::servfail;
    if (!all && !any) answer.error_detail = "no record could be read";
    return answer;
}

std::shared_ptr<ResolverEngine> make_resolver_engine(ResolverSettings const& settings) {
    return std::make_shared<ResolverEngine>(settings);
}

std::string resolver_trouble(ResolverEngine const& engine) {
    return engine.trouble();
}

}  // namespace dawk::net
