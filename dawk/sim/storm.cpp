// The random run: a cast, some hours of letters and faults in an order that the seed decides, then
// healing and judgement. Each fault draws from a generator of its own, so that one that is switched
// off leaves the others as they are.
#include <algorithm>

#include "dawk/sim/play.hpp"
#include "dawk/sim/policies.hpp"

namespace dawk::sim {
namespace {

using namespace std::chrono_literals;

class Storm {
  public:
    Storm(Stage& stage, PlayOptions const& options)
        : s_(stage),
          faults_(faults_of(options.seed) & ~options.without),
          rng_(options.seed ^ 0x57A6EULL) {}

    void run() {
        cast();
        length_ = minutes(rng_.below(2) == 0 ? 20 + rng_.below(60) : 60 + rng_.below(900));
        letters();
        network_faults();
        dns_faults();
        disk_faults();
        policy_faults();
        machine_faults();
        tempers();
        s_.run_for(length_);
        is_over_ = true;
        for (auto& node : s_.nodes) node->check_bounds();
        s_.heal();
        s_.come_to_rest(days(12));
    }

  private:
    static Duration minutes(std::uint64_t n) { return std::chrono::minutes(n); }
    static Duration millis(std::uint64_t n) { return std::chrono::milliseconds(n); }
    static Duration days(std::uint64_t n) { return std::chrono::hours(24 * n); }
    bool has(Fault fault) const { return faults_[index_of(fault)]; }
    SeededRng rng_of(Fault fault) const {
        return SeededRng(s_.seed() * 1'000'003 + index_of(fault) + 1);
    }
    Duration some_time(SeededRng& rng) const {
        return millis(rng.below(
            static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(length_).count())));
    }
    Node& a_node(SeededRng& rng) { return *s_.nodes[rng.below(s_.nodes.size())]; }
    Remote& a_remote(SeededRng& rng) { return *s_.remotes[rng.below(s_.remotes.size())]; }
    // Begins somewhere in the run and lasts for a while, several times.
    template <class Begin, class End>
    void sometimes(SeededRng& rng, std::uint64_t most, Duration longest, Begin begin, End end) {
        auto const times = 1 + rng.below(most);
        for (std::uint64_t i = 0; i < times; ++i) {
            auto const at = some_time(rng);
            auto const lasts =
                millis(1 + rng.below(static_cast<std::uint64_t>(
                               std::chrono::duration_cast<Millis>(longest).count())));
            auto const dice = rng.next();
            s_.world.after(at, [this, begin, dice] {
                if (!is_over_) begin(dice);
            });
            s_.world.after(std::min(at + lasts, length_), [this, end, dice] {
                if (!is_over_) end(dice);
            });
        }
    }

    // ---- the cast -------------------------------------------------------------------------------

    void cast() {
        static constexpr int expiries[] = {1, 4, 24, 72};
        static constexpr int bounce_expiries[] = {2, 24, 48};
        auto const expire = std::chrono::hours(expiries[rng_.below(4)]);
        auto const expire_bounce = std::chrono::hours(bounce_expiries[rng_.below(3)]);
        bool const is_tight = rng_.below(2) == 0;
        auto const per_transaction = 1 + static_cast<std::uint32_t>(rng_.below(5));
        SeededRng own(s_.seed() ^ 0x5A4DULL);
        auto const threads = 1 + static_cast<std::uint32_t>(own.below(3));
        mta::AuthSettings auth;
        if (has(Fault::mail_policies)) choose_actions(auth, own);
        auto const set = [=](mta::Settings& settings) {
            settings.threads = threads;
            settings.auth = auth;
            settings.signing = signing_for(settings.hostname.substr(3));
            settings.queue.expire = expire;
            settings.queue.expire_bounce = expire_bounce;
            settings.queue.recipients_per_transaction = per_transaction;
            if (is_tight) {
                settings.queue.connections_all = 6;
                settings.queue.connections_per_destination = 3;
                settings.queue.ready_all = 20;
                settings.queue.ready_per_destination = 5;
                settings.queue.hot_content_bytes = 4000;
            }
            settings.routing.domains = {{"lmtp.test", "lmtp:198.51.0.2:24"}};
            routing::RouteConfig secure;
            secure.to = "secure.test";
            secure.via = "mx";
            secure.tls = routing::TlsMode::required;
            routing::RouteConfig verified;
            verified.to = "verified.test";
            verified.via = "mx";
            verified.tls = routing::TlsMode::verified;
            routing::RouteConfig smart;
            smart.to = "smart.test";
            smart.via = "smtp:mx.smart.test:25";
            smart.user = "relay";
            smart.password_file = "smart.secret";
            settings.routing.routes = {secure, verified, smart};
        };
        s_.add_remote("lmtp.test", true);
        s_.add_remote("home.test");
        s_.add_remote("secure.test");
        s_.add_remote("verified.test");
        auto const others = 2 + rng_.below(4);
        for (std::uint64_t i = 0; i < others; ++i) s_.add_remote("d" + std::to_string(i) + ".test");
        s_.add_remote("smart.test").temper().wants_login = true;
        for (auto const* domain : {"secure.test", "verified.test", "smart.test"})
            s_.oracle.require_tls(domain);
        auto const count = 1 + rng_.below(2);
        for (std::uint64_t i = 0; i < count; ++i) {
            auto& node = s_.add_node(i == 0 ? "dawk" : "dusk", set);
            node.files().put("smart.secret", "open sesame\n");
            publish_policies(s_.internet.zone(), node.name().substr(3), node.address());
            node.boot();
        }
        s_.internet.zone().add_txt("home.test", "v=spf1 ip4:203.0.113.0/24 -all");
        for (auto& remote : s_.remotes) {
            auto& temper = remote->temper();
            temper.pipelining = rng_.below(3) != 0;
            temper.chunking = rng_.below(3) == 0;
            temper.dsn = rng_.below(2) == 0;
        }
        s_.keep_zone();
        s_.world.run_for(1s);
    }

    // ---- letters --------------------------------------------------------------------------------

    std::string a_recipient(Errand const& errand, std::uint64_t i) {
        auto const local = "r" + std::to_string(i) + "-" + errand.token + "@";
        auto const dice = rng_.below(10);
        if (dice == 2 && s_.nodes.size() > 1 && errand.node == s_.nodes[0]->name())
            return "bob@dusk.test";
        if (dice == 0) return local + "secure.test";
        if (dice == 1) return local + "verified.test";
        auto const& host = s_.remotes[4 + rng_.below(s_.remotes.size() - 4)]->host().name();
        return local + host.substr(3);
    }

    void letters() {
        auto const bad = rng_of(Fault::bad_clients);
        auto bad_rng = bad;
        auto const count = 8 + rng_.below(20);
        for (std::uint64_t i = 0; i < count; ++i) {
            auto errand = one_letter();
            if (bad_rng.chance(0.4) && has(Fault::bad_clients)) {
                errand.manner = static_cast<Manner>(1 + bad_rng.below(5));
                errand.drop_after = bad_rng.below(800);
            }
            auto const at = some_time(rng_);
            s_.world.after(at, [this, errand] {
                if (!is_over_) s_.clients->send(errand);
            });
        }
    }

    Errand one_letter() {
        auto& node = a_node(rng_);
        auto errand = s_.errand(node, {});
        auto const stem = node.name().substr(3);
        auto const kind = rng_.below(10);
        auto const recipients = 1 + rng_.below(4);
        for (std::uint64_t i = 0; i < recipients; ++i) {
            Errand::Recipient one;
            one.address = a_recipient(errand, i);
            if (kind < 3) one = local_recipient(stem, i);
            if (kind == 2 && i < 2) one.address = i == 0 ? "carol@lmtp.test" : "dave@lmtp.test";
            one.never = rng_.below(12) == 0;
            errand.recipients.push_back(std::move(one));
        }
        if (kind < 3) errand.port = 25;
        if (kind == 3) {
            errand.port = 587;
            errand.user = "alice@" + stem;
            errand.sender = errand.user;
        }
        if (rng_.below(10) == 0 && kind != 3) errand.sender.clear();
        errand.size = rng_.below(8) == 0 ? 3000 + rng_.below(20'000) : rng_.below(1500);
        return errand;
    }

    Errand::Recipient local_recipient(std::string const& domain, std::uint64_t i) {
        switch (i) {
            case 0:
                return {"alice@" + domain, false, {}};
            case 1:
                return {"postmaster@" + domain, false, {}};
            case 2:
                return {"bob@" + domain, false, {}};
            default:
                return {"team@" + domain, false, {"alice@" + domain, "bob@" + domain}};
        }
    }

    // ---- faults ---------------------------------------------------------------------------------

    void network_faults() {
        auto& link = s_.internet.faults();
        if (has(Fault::latency)) {
            auto rng = rng_of(Fault::latency);
            link.latency_max = millis(10 + rng.below(3000));
        }
        if (has(Fault::tiny_reads)) {
            auto rng = rng_of(Fault::tiny_reads);
            link.read_max = 1 + rng.below(60);
        }
        if (has(Fault::resets)) {
            auto rng = rng_of(Fault::resets);
            link.reset = static_cast<double>(1 + rng.below(40)) / 1000;
        }
        if (has(Fault::lost_connects)) {
            auto rng = rng_of(Fault::lost_connects);
            link.connect_lost = static_cast<double>(rng.below(30)) / 100;
            link.connect_refused = static_cast<double>(rng.below(30)) / 100;
        }
        if (has(Fault::partitions)) {
            auto rng = rng_of(Fault::partitions);
            auto const set = [this](std::uint64_t dice, bool cut) {
                auto const& node = *s_.nodes[dice % s_.nodes.size()];
                auto& remote = *s_.remotes[dice / 8 % s_.remotes.size()];
                s_.internet.partition(node.address(), remote.host().addresses().front(), cut);
            };
            sometimes(
                rng, 4, 3h, [set](std::uint64_t d) { set(d, true); },
                [set](std::uint64_t d) { set(d, false); });
        }
        for (auto const fault : {Fault::hosts_down, Fault::hosts_silent}) {
            if (!has(fault)) continue;
            auto rng = rng_of(fault);
            auto const set = [this, fault](std::uint64_t dice, bool on) {
                auto& host = s_.remotes[dice % s_.remotes.size()]->host();
                if (fault == Fault::hosts_down)
                    host.set_down(on);
                else
                    host.set_silent(on);
            };
            sometimes(
                rng, 4, 5h, [set](std::uint64_t d) { set(d, true); },
                [set](std::uint64_t d) { set(d, false); });
        }
    }

    // Not that of home.test for good: reports must reach those who wait for them.
    void dns_faults() {
        if (has(Fault::dns_fails)) {
            auto rng = rng_of(Fault::dns_fails);
            auto const name = [this](std::uint64_t dice) {
                auto const& host = s_.remotes[2 + dice % (s_.remotes.size() - 2)]->host().name();
                return dice / 64 % 2 == 0 ? host : host.substr(3);
            };
            auto& zone = s_.internet.zone();
            sometimes(
                rng, 5, 4h,
                [&zone, name](std::uint64_t d) {
                    static constexpr dns::Status all[] = {
                        dns::Status::servfail, dns::Status::timeout, dns::Status::nxdomain};
                    zone.fail(name(d), all[d / 1024 % 3]);
                },
                [&zone, name](std::uint64_t d) { zone.fail(name(d), dns::Status::ok); });
        }
        if (!has(Fault::dns_changes)) return;
        auto rng = rng_of(Fault::dns_changes);
        sometimes(
            rng, 3, 4h,
            [this](std::uint64_t dice) {  // a lame one, another's, or more than one
                auto const at = 4 + dice % (s_.remotes.size() - 4);
                auto const domain = s_.remotes[at]->host().name().substr(3);
                auto& zone = s_.internet.zone();
                zone.clear(domain);
                zone.add_mx(domain, 20, s_.remotes[at]->host().name());
                if (dice / 64 % 3 != 0) zone.add_mx(domain, 10, "mx.d0.test");
                if (dice / 64 % 3 != 1) zone.add_mx(domain, 5, "lame.test");
                zone.clear("lame.test");
                zone.add_address("lame.test", "198.51.99.99");
            },
            [](std::uint64_t) {});
    }

    // Letters of clients come from home.test, and from their own address.
    void policy_faults() {
        if (!has(Fault::mail_policies)) return;
        auto rng = rng_of(Fault::mail_policies);
        auto& zone = s_.internet.zone();
        zone.clear_txt("home.test");
        publish_odd_policies(zone, "home.test", rng);
    }

    void disk_faults() {
        for (auto& one : s_.nodes) {
            auto* const node = one.get();
            if (has(Fault::spool_slow)) {
                auto rng = rng_of(Fault::spool_slow);
                node->spool_faults().latency_max = millis(5 + rng.below(400));
                s_.oracle.set_window(node->spool_faults().latency_max * 3 + 1s);
            }
            if (has(Fault::spool_fails)) {
                auto rng = rng_of(Fault::spool_fails);
                node->spool_faults().failure = static_cast<double>(1 + rng.below(20)) / 100;
                node->spool_faults().content = static_cast<double>(rng.below(5)) / 100;
                s_.oracle.set_window(5min);  // it tries again at growing intervals
            }
            if (has(Fault::spool_full)) {
                auto rng = rng_of(Fault::spool_full);
                sometimes(
                    rng, 3, 40min,
                    [this, node](std::uint64_t dice) {
                        s_.oracle.spool_trouble(node->name(), true);
                        node->spool_faults().trouble =
                            dice % 2 == 0 ? Errc::no_space : Errc::io_error;
                    },
                    [this, node](std::uint64_t) {
                        s_.oracle.spool_trouble(node->name(), false);
                        node->spool_faults().trouble = {};
                    });
            }
            if (has(Fault::mailbox_fails)) {
                auto rng = rng_of(Fault::mailbox_fails);
                sometimes(
                    rng, 4, 2h,
                    [node](std::uint64_t dice) {
                        node->files().failing_syncs = 1 + static_cast<std::uint32_t>(dice % 5);
                        if (dice / 8 % 3 == 0) node->files().free_bytes = dice / 64 % 2000;
                    },
                    [node](std::uint64_t) {
                        node->files().failing_syncs = 0;
                        node->files().free_bytes = UINT64_MAX;
                    });
            }
        }
    }

    void machine_faults() {
        auto const times = [this](Fault fault, std::uint64_t most, auto act) {
            if (!has(fault)) return;
            auto rng = rng_of(fault);
            auto const count = 1 + rng.below(most);
            for (std::uint64_t i = 0; i < count; ++i) {
                auto const dice = rng.next();
                auto* const node = &a_node(rng);
                s_.world.after(some_time(rng), [this, act, node, dice] {
                    if (!is_over_) act(*node, dice);
                });
            }
        };
        times(Fault::crashes, 8, [](Node& node, std::uint64_t dice) {
            auto const down_for = millis(100 + dice / 2 % 600'000);
            if (dice / 4 % 3 == 0)
                node.crash_in_commit(dice % 2 == 0, down_for);
            else
                node.crash(dice % 2 == 0, down_for);
        });
        times(Fault::restarts, 4,
              [](Node& node, std::uint64_t dice) { node.restart(millis(dice % 100'000)); });
        times(Fault::reloads, 3, [](Node& node, std::uint64_t dice) {
            node.reload([dice](mta::Settings& settings) { reconfigure(settings, dice); });
        });
        times(Fault::operators, 3,
              [](Node& node, std::uint64_t) { node.order("retry", "all=true"); });
        times(Fault::queue_orders, 8,
              [this](Node& node, std::uint64_t dice) { give_order(node, dice); });
        times(Fault::clock_steps, 4, [](Node& node, std::uint64_t dice) {
            auto const by = static_cast<std::int64_t>(dice % 7'200'000) - 3'600'000;
            node.step_clock(Millis(by));
        });
    }

    // What `dawk reload` may find changed: limits, a listener less or again, another way for a
    // domain.
    static void reconfigure(mta::Settings& settings, std::uint64_t dice) {
        settings.queue.connections_per_destination = 1 + static_cast<std::uint32_t>(dice % 10);
        auto& listeners = settings.listeners;
        auto const is_submission = [](auto const& one) {
            return one.service == mta::Service::submission;
        };
        if (dice / 16 % 2 == 0) {
            auto const gone = std::erase_if(listeners, is_submission);
            auto const address = listeners.front().address;
            if (gone == 0)
                listeners.push_back({.address = address.substr(0, address.rfind(':')) + ":587",
                                     .service = mta::Service::submission});
        }
        if (dice / 32 % 3 != 0) return;
        routing::RouteConfig around;
        around.to = "d0.test";
        around.via = "smtp:mx.d0.test";
        auto const before = std::erase_if(settings.routing.routes,
                                          [](auto const& route) { return route.to == "d0.test"; });
        if (before == 0) settings.routing.routes.push_back(around);
    }

    void give_order(Node& node, std::uint64_t dice) {
        static constexpr std::string_view orders[] = {"hold", "hold", "release", "remove"};
        auto const verb = orders[dice % 4];
        auto const& host = s_.remotes[dice / 4 % s_.remotes.size()]->host().name();
        bool const is_wide = verb != "remove" && dice / 256 % 2 == 0;
        node.order(verb, is_wide ? "all=true" : "domain=" + host.substr(3));
    }

    // Each kind of temper falls upon some of the remotes; what is final never on home.test.
    void tempers() {
        auto const share = [](SeededRng& rng) {
            return static_cast<double>(1 + rng.below(30)) / 100;
        };
        auto const some = [this](Fault fault, bool is_final, auto change) {
            if (!has(fault)) return;
            auto rng = rng_of(fault);
            for (std::size_t i = 0; i < s_.remotes.size(); ++i) {
                bool const chosen = rng.below(2) == 0;
                SeededRng own(rng.next());
                if (chosen && !(is_final && i == 1)) change(s_.remotes[i]->temper(), own);
            }
        };
        some(Fault::greylisting, false, [](Temper& t, SeededRng&) { t.greylists = true; });
        some(Fault::rate_limits, false, [](Temper& t, SeededRng& rng) {
            t.per_minute = 1 + static_cast<std::uint32_t>(rng.below(5));
            t.connections = 1 + static_cast<std::uint32_t>(rng.below(3));
        });
        some(Fault::transient_storms, false,
             [share](Temper& t, SeededRng& rng) { t.transient = share(rng); });
        some(Fault::refused_recipients, true, [](Temper& t, SeededRng&) { t.refuses_half = true; });
        some(Fault::refused_content, true,
             [share](Temper& t, SeededRng& rng) { t.refuse_content = share(rng); });
        some(Fault::slow_banners, false, [](Temper& t, SeededRng& rng) {
            t.banner_delay = std::chrono::seconds(rng.below(400));
        });
        some(Fault::slow_replies, false,
             [](Temper& t, SeededRng& rng) { t.reply_delay = millis(100 + rng.below(400'000)); });
        some(Fault::drops, false, [share](Temper& t, SeededRng& rng) { t.drop = share(rng) / 2; });
        some(Fault::drops_after_data, false,
             [share](Temper& t, SeededRng& rng) { t.drop_after_data = share(rng); });
        some(Fault::drops_before_reply, false,
             [share](Temper& t, SeededRng& rng) { t.drop_before_reply = share(rng); });
        some(Fault::wrong_replies, true,
             [share](Temper& t, SeededRng& rng) { t.wrong = share(rng) / 3; });
        some(Fault::huge_replies, false, [](Temper& t, SeededRng&) { t.huge = 0.02; });
        some(Fault::busy_banners, true, [share](Temper& t, SeededRng& rng) {
            t.banner_421 = share(rng) * 2;
            t.banner_554 = share(rng);
        });
        some(Fault::logins_refused, true,
             [share](Temper& t, SeededRng& rng) { t.refuses_login = share(rng) * 2; });
        some(Fault::tls_fails, false, [](Temper& t, SeededRng&) { t.tls = RemoteTls::fails; });
        some(Fault::tls_vanishes, false,
             [](Temper& t, SeededRng&) { t.tls = RemoteTls::vanishes; });
        some(Fault::tls_untrusted, false,
             [](Temper& t, SeededRng&) { t.tls = RemoteTls::untrusted; });
    }

    Stage& s_;
    FaultSet faults_;
    SeededRng rng_;
    Duration length_{};
    bool is_over_ = false;
};

}  // namespace

void play_at_random(Stage& stage, PlayOptions const& options) {
    auto const storm = std::make_shared<Storm>(stage, options);
    stage.director = storm;  // what it has planned may outlast this call
    storm->run();
}

}  // namespace dawk::sim
