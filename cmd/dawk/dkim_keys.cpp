// dawk dkim generate, rotate, show, check: the keys that mail is signed with, and what DNS says of
// them.
#include <algorithm>
#include <chrono>

#include "dawk/base/ascii.hpp"
#include "dawk/config/config.hpp"
#include "dawk/config/units.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mail/idna.hpp"

#include "cmd/dawk/admin.hpp"
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/dkim_commands.hpp"
#include "cmd/dawk/dkim_rotation.hpp"
#include "cmd/dawk/dkim_store.hpp"

namespace dawk::cmd {
namespace {

using State = StoredKey::State;
using What = RotationStep::What;
using crypto::KeyKind;

struct Options {
    std::string domain;                        // "" for all
    std::string algorithm = "both";            // of generate
    std::string selector;                      // of generate
    unsigned bits = 2048;                      // of generate
    bool active = false;                       // of generate: sign at once
    std::string every = "180d", keep = "14d";  // of rotate
    bool now = false;                          // of rotate: whatever the age
    bool without_dns = false;                  // of rotate
    AuthOptions dns;
};
using OptionsPtr = std::shared_ptr<Options>;

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

template <class T>
T or_fail(rt::ExplainedResult<T> result) {
    if (!result)
        fail(result.error().code == Errc::denied ? Exit::no_permission : Exit::data,
             result.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string domain_of(std::string const& text) {
    auto const name = mail::to_a_labels(text);
    if (!name || name->find('.') == name->npos || name->starts_with('.') ||
        name->find_first_of("[]/") != name->npos)
        fail(Exit::usage, ascii::printable(text, 80) + " is not a domain");
    return ascii::to_lower(*name);
}

std::vector<std::string> domains_of(Options const& options, DkimStore const& store) {
    if (!options.domain.empty()) return {domain_of(options.domain)};
    return or_fail(store.domains());
}

std::string name_in_dns(std::string const& domain, std::string const& selector) {
    return selector + "._domainkey." + domain;
}

std::string word_of(KeyKind kind) {
    return kind == KeyKind::rsa ? "rsa" : "ed25519";
}

// A key, wherever it is from, in the words of all subcommands.
struct Shown {
    std::string domain;
    StoredKey key;
    std::string state;  // "new", "active", "retired", "configured"
};

Members members_of(Shown const& shown) {
    auto const& key = shown.key;
    auto const strings = strings_of(key.record);
    Members out{{"domain", shown.domain},
                {"selector", key.selector},
                {"name", name_in_dns(shown.domain, key.selector)},
                {"algorithm", word_of(key.kind)},
                {"bits", static_cast<std::uint64_t>(key.bits)},
                {"state", shown.state},
                {"record", key.record},
                {"strings", Json::array_of(strings, [](std::string const& s) { return Json(s); })}};
    if (shown.state != "configured") {
        out.emplace_back("created", day_of(key.created));
        out.emplace_back("since", day_of(key.since));
    }
    return out;
}

std::string text_of(Shown const& shown) {
    auto const& key = shown.key;
    std::string out = "; " + shown.domain + ": " + word_of(key.kind);
    if (key.kind == KeyKind::rsa) out += ' ' + std::to_string(key.bits);
    out += ", " + shown.state;
    if (shown.state != "configured") out += " since " + day_of(key.since);
    return out + '\n' + zone_line(name_in_dns(shown.domain, key.selector), key.record);
}

StoredKey described(std::string selector, crypto::PrivateKey const& key) {
    StoredKey out;
    out.selector = std::move(selector);
    out.kind = key.kind();
    out.bits = key.bits();
    out.record = dkim::key_record(key);
    return out;
}

// The running server signs with what is there now. Without one there is nobody to tell.
void tell_server() {
    if (globals().config_file.empty() && !globals().state_dir.empty()) return;
    if (!config::load(config_file()).settings || server_is_gone()) return;
    (void)ask_server("POST", "/v1/reload", Exit::config);
}

// ---- generate -----------------------------------------------------------------------------------

StoredKey make_key(DkimStore& store, std::string const& domain, std::vector<StoredKey>& keys,
                   KeyKind kind, unsigned bits, std::string selector) {
    auto const now = seconds_now();
    auto const secret = crypto::PrivateKey::generate(kind, bits);
    if (selector.empty()) selector = new_selector(kind, now, keys);
    or_fail(store.add(domain, selector, secret));
    auto key = described(selector, secret);
    key.created = key.since = now;
    keys.push_back(key);
    return key;
}

void publish_words(std::vector<Shown> const& made, bool active) {
    if (globals().json)
        return print_json(Json::object({{"keys", Json::array_of(made, [](Shown const& shown) {
                                             return Json::object(members_of(shown));
                                         })}}));
    for (auto const& shown : made) print(text_of(shown));
    auto const& domain = made.front().domain;
    print_error(active ? "Signing begins now. Publish the record in DNS at once.\n"
                       : "Publish the record in DNS; \"dawk dkim rotate " + domain +
                             "\" then has the server sign.\n");
}

void generate(Options const& options) {
    auto const domain = domain_of(options.domain);
    std::vector<KeyKind> kinds;
    if (options.algorithm != "ed25519") kinds.push_back(KeyKind::rsa);
    if (options.algorithm != "rsa") kinds.push_back(KeyKind::ed25519);
    if (!options.selector.empty() && kinds.size() > 1)
        fail(Exit::usage, "two keys need two selectors: give --algorithm rsa or ed25519, too");
    DkimStore store(state_dir());
    auto const lock = or_fail(store.lock());
    auto keys = or_fail(store.load(domain));
    std::vector<Shown> made;
    for (auto const kind : kinds) {
        auto key = make_key(store, domain, keys, kind, options.bits, options.selector);
        if (options.active) {
            for (auto& other : keys) {
                if (other.kind != kind || other.selector == key.selector) continue;
                if (other.state != State::active) continue;
                other.state = State::retired;
                other.since = key.since;
            }
            keys.back().state = key.state = State::active;
        }
        made.push_back({domain, key, std::string(to_string(key.state))});
    }
    or_fail(store.save(domain, keys));
    if (options.active) tell_server();
    publish_words(made, options.active);
}

// ---- DNS ----------------------------------------------------------------------------------------

dns::Inquiry<dns::Answer> texts_of(std::string name) {
    dns::Question const question{std::move(name), dns::Type::txt};
    auto answer = co_await dns::ask(question);
    co_return answer;
}

Published ask_dns(Asker& asker, std::string const& domain, std::string const& selector,
                  crypto::PrivateKey const& key) {
    auto const answer = asker.run(texts_of(name_in_dns(domain, selector)));
    if (answer.temporary())
        return {Published::Kind::unknown, "DNS: " + std::string(dns::to_string(answer.status))};
    return judge_published(answer.texts, key);
}

// ---- show, check --------------------------------------------------------------------------------

// A key with its private half.
struct Held {
    Shown shown;
    crypto::PrivateKey secret;
};

std::vector<Held> all_keys(Options const& options, DkimStore const& store) {
    std::vector<Held> out;
    for (auto const& domain : domains_of(options, store)) {
        for (auto& key : or_fail(store.load(domain))) {
            auto secret = or_fail(store.private_key(domain, key.selector));
            auto state = std::string(to_string(key.state));
            out.push_back({{domain, std::move(key), std::move(state)}, std::move(secret)});
        }
    }
    auto const loaded = config::load(config_file());
    if (!loaded.settings) return out;
    for (auto const& entry : loaded.settings->dkim) {
        if (entry.selector.empty()) continue;
        auto const domain = domain_of(entry.domain);
        if (!options.domain.empty() && domain != domain_of(options.domain)) continue;
        auto secret = or_fail(load_key(entry.key, loaded.settings->state_dir));
        out.push_back(
            {{domain, described(entry.selector, secret), "configured"}, std::move(secret)});
    }
    return out;
}

std::vector<Held> some_keys(Options const& options) {
    DkimStore const store(state_dir());
    auto keys = all_keys(options, store);
    if (keys.empty())
        fail(Exit::no_user, options.domain.empty()
                                ? "there are no keys (dawk dkim generate DOMAIN)"
                                : "there is no key for " + options.domain +
                                      " (dawk dkim generate " + options.domain + ")");
    return keys;
}

void show(Options const& options) {
    auto const keys = some_keys(options);
    if (globals().json)
        return print_json(Json::object({{"keys", Json::array_of(keys, [](Held const& held) {
                                             return Json::object(members_of(held.shown));
                                         })}}));
    for (auto const& held : keys) print(text_of(held.shown));
}

void check(Options const& options) {
    auto const keys = some_keys(options);
    Asker asker(options.dns);
    bool all_right = true;
    std::vector<Json> findings;
    std::string text;
    for (auto const& held : keys) {
        auto const& shown = held.shown;
        auto const found = ask_dns(asker, shown.domain, shown.key.selector, held.secret);
        bool const is_right = found.kind == Published::Kind::right;
        all_right = all_right && is_right;
        auto members = members_of(shown);
        members.emplace_back("dns", to_string(found.kind));
        members.emplace_back("reason", found.reason);
        findings.push_back(Json::object(members));
        text += std::string(to_string(found.kind)) + "  " +
                name_in_dns(shown.domain, shown.key.selector) + " (" + shown.state +
                "): " + found.reason + '\n';
    }
    if (globals().json) {
        print_json(Json::object({{"result", all_right ? "pass" : "fail"},
                                 {"keys", Json::array(findings)},
                                 {"lookups", asker.json()}}));
    } else {
        print(text);
    }
    if (!all_right) fail(Exit::failed, "");
}

// ---- rotate -------------------------------------------------------------------------------------

std::int64_t seconds_of(std::string const& text) {
    auto const duration = config::parse_duration(text);
    if (!duration) fail(Exit::usage, ascii::printable(text, 80) + " is not a duration");
    return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

class Rotation {
  public:
    Rotation(Options const& options, DkimStore& store, Asker* asker, std::string domain)
        : options_(options),
          store_(store),
          asker_(asker),
          domain_(std::move(domain)),
          keys_(or_fail(store.load(domain_))) {}

    // Whether anything the server signs with has changed.
    bool run() {
        std::map<std::string, Published> dns;
        for (auto const& key : keys_) {
            if (key.state != State::fresh) continue;
            dns[key.selector] = asker_ == nullptr
                                    ? Published{Published::Kind::right, "not asked"}
                                    : ask_dns(*asker_, domain_, key.selector,
                                              or_fail(store_.private_key(domain_, key.selector)));
        }
        RotationRule rule;
        rule.every_seconds = options_.now ? 0 : seconds_of(options_.every);
        rule.keep_seconds = seconds_of(options_.keep);
        auto const steps = plan(keys_, dns, seconds_now(), rule);
        std::vector<std::string> forgotten;
        for (auto const& step : steps) take(step, forgotten);
        or_fail(store_.save(domain_, keys_));
        for (auto const& selector : forgotten) or_fail(store_.remove(domain_, selector));
        return changed_;
    }
    std::vector<Json> const& done() const noexcept { return done_; }
    std::string const& text() const noexcept { return text_; }

  private:
    void take(RotationStep const& step, std::vector<std::string>& forgotten) {
        auto selector = step.selector;
        std::string record;
        if (step.what == What::create) {
            auto const key = make_key(store_, domain_, keys_, step.kind, step.bits, {});
            selector = key.selector;
            record = text_of(Shown{domain_, key, "new"});
        } else if (step.what == What::remove) {
            std::erase_if(keys_, [&](StoredKey const& key) { return key.selector == selector; });
            forgotten.push_back(selector);
        } else if (step.what != What::wait) {
            enter(selector, step.what == What::activate ? State::active : State::retired);
        }
        done_.push_back(Json::object({{"domain", domain_},
                                      {"selector", selector},
                                      {"step", to_string(step.what)},
                                      {"reason", step.reason}}));
        text_ += std::string(to_string(step.what)) + "  " + name_in_dns(domain_, selector) + ": " +
                 step.reason + '\n' + record;
    }
    void enter(std::string const& selector, State state) {
        changed_ = true;
        for (auto& key : keys_) {
            if (key.selector != selector) continue;
            key.state = state;
            key.since = seconds_now();
        }
    }

    Options const& options_;
    DkimStore& store_;
    Asker* asker_;
    std::string domain_;
    std::vector<StoredKey> keys_;
    std::vector<Json> done_;
    std::string text_;
    bool changed_ = false;
};

void rotate(Options const& options) {
    DkimStore store(state_dir());
    auto const lock = or_fail(store.lock());
    if (!options.domain.empty() && or_fail(store.load(domain_of(options.domain))).empty())
        fail(Exit::no_user, "there is no key for " + options.domain + " (dawk dkim generate " +
                                options.domain + ")");
    std::unique_ptr<Asker> asker;
    if (!options.without_dns) asker = std::make_unique<Asker>(options.dns);
    std::vector<Json> done;
    std::string text;
    bool changed = false;
    for (auto const& domain : domains_of(options, store)) {
        Rotation rotation(options, store, asker.get(), domain);
        changed = rotation.run() || changed;
        done.insert(done.end(), rotation.done().begin(), rotation.done().end());
        text += rotation.text();
    }
    if (changed) tell_server();
    if (globals().json) return print_json(Json::object({{"steps", Json::array(done)}}));
    print(text);
}

void add_dns_options(CLI::App& command, Options& options) {
    command.add_option("--zone", options.dns.zone, "Answer DNS from this file, not the network")
        ->type_name("FILE");
    command.add_option("--resolver", options.dns.resolver, "Ask this resolver")
        ->type_name("ADDRESS");
}

}  // namespace

void add_dkim_keys(CLI::App& dkim) {
    auto options = std::make_shared<Options>();
    auto const add = [&](char const* name, char const* what, void (*action)(Options const&)) {
        auto* sub = dkim.add_subcommand(name, what);
        sub->callback([options, action] { action(*options); });
        return sub;
    };
    auto* making = add("generate", "Makes keys for a domain, and prints their records", generate);
    making->add_option("DOMAIN", options->domain, "The domain of From")->required();
    making->add_option("--algorithm", options->algorithm, "rsa, ed25519 or both")
        ->check(CLI::IsMember({"rsa", "ed25519", "both"}))
        ->capture_default_str();
    making->add_option("--bits", options->bits, "The size of an RSA key")
        ->check(CLI::IsMember({2048U, 3072U, 4096U}))
        ->capture_default_str();
    making->add_option("--selector", options->selector, "Its name in DNS; else one with the date");
    making->add_flag("--active", options->active, "Sign at once, without asking DNS first");
    auto* turning = add("rotate", "Takes the next step of each key's life; run it daily", rotate);
    turning->add_option("DOMAIN", options->domain, "Only of this domain");
    turning->add_option("--every", options->every, "The age at which a key gives way")
        ->capture_default_str();
    turning->add_option("--keep", options->keep, "How long the record stays after that")
        ->capture_default_str();
    turning->add_flag("--now", options->now, "Make the next key, whatever the age of this one");
    turning->add_flag("--without-dns", options->without_dns, "Take new records to be published");
    add_dns_options(*turning, *options);
    add("show", "Prints the records of keys, as a zone file has them", show)
        ->add_option("DOMAIN", options->domain, "Only of this domain");
    auto* checking =
        add("check", "Asks DNS for the records; ends with 1 if one is not right", check);
    checking->add_option("DOMAIN", options->domain, "Only of this domain");
    add_dns_options(*checking, *options);
}

}  // namespace dawk::cmd
