#include "cmd/dawk/dkim_rotation.hpp"

#include <algorithm>
#include <ctime>

#include "dawk/dkim/signature.hpp"

namespace dawk::cmd {
namespace {

using State = StoredKey::State;
using What = RotationStep::What;
using crypto::KeyKind;

// One algorithm's keys.
class Line {
  public:
    Line(std::map<std::string, Published> const& dns, std::int64_t now, RotationRule const& rule,
         std::vector<RotationStep>& out)
        : dns_(dns), now_(now), rule_(rule), out_(out) {}

    void add(StoredKey const& key) {
        if (key.state == State::fresh && fresh_ == nullptr) fresh_ = &key;
        if (key.state == State::active) active_.push_back(&key);
        if (key.state == State::retired) end_of(key);
    }

    void settle() {
        if (fresh_ != nullptr) return change();
        for (auto const* key : active_) {
            if (now_ - key->since < rule_.every_seconds) {
                say(What::wait, *key, "it signs until " + day_of(key->since + rule_.every_seconds));
                continue;
            }
            say(What::create, *key, key->selector + " has signed since " + day_of(key->since));
            out_.back().selector.clear();
            return;
        }
    }

  private:
    void say(What what, StoredKey const& key, std::string reason) {
        out_.push_back({what, key.selector, key.kind, key.bits, std::move(reason)});
    }

    void end_of(StoredKey const& key) {
        auto const over = key.since + rule_.keep_seconds;
        if (now_ >= over) {
            say(What::remove, key, "what it signed has arrived or been given up");
        } else {
            say(What::wait, key, "its record must stay until " + day_of(over));
        }
    }

    void change() {
        auto const found = dns_.find(fresh_->selector);
        if (found == dns_.end() || found->second.kind != Published::Kind::right) {
            say(What::wait, *fresh_,
                "DNS does not show it yet: " +
                    (found == dns_.end() ? "not asked" : found->second.reason));
            return;
        }
        say(What::activate, *fresh_, "DNS shows it");
        for (auto const* key : active_)
            say(What::retire, *key, fresh_->selector + " takes its place");
    }

    std::map<std::string, Published> const& dns_;
    std::int64_t now_;
    RotationRule const& rule_;
    std::vector<RotationStep>& out_;
    StoredKey const* fresh_ = nullptr;
    std::vector<StoredKey const*> active_;
};

}  // namespace

std::string_view to_string(Published::Kind kind) noexcept {
    switch (kind) {
        case Published::Kind::right:
            return "right";
        case Published::Kind::missing:
            return "missing";
        case Published::Kind::wrong:
            return "wrong";
        case Published::Kind::unknown:
            return "unknown";
    }
    return "";
}

std::string_view to_string(What what) noexcept {
    switch (what) {
        case What::create:
            return "create";
        case What::activate:
            return "activate";
        case What::retire:
            return "retire";
        case What::remove:
            return "remove";
        case What::wait:
            return "wait";
    }
    return "";
}

Published judge_published(std::vector<std::string> const& texts, crypto::PrivateKey const& key) {
    using Kind = Published::Kind;
    if (texts.empty()) return {Kind::missing, "there is no record"};
    // RFC 6376 §3.6.2.2: with several records nobody knows which one counts.
    if (texts.size() > 1) return {Kind::wrong, "there are several records"};
    auto const algorithm =
        key.kind() == KeyKind::rsa ? dkim::Algorithm::rsa_sha256 : dkim::Algorithm::ed25519_sha256;
    auto const published = dkim::parse_key(texts.front(), algorithm);
    if (!published) return {Kind::wrong, published.error().reason};
    auto const digest = crypto::digest(crypto::Hash::sha256, "does the one belong to the other?");
    auto const signature = key.sign_digest(digest);
    if (!signature) return {Kind::unknown, "the private key does not sign"};
    if (!published->key.verify_digest(digest, *signature))
        return {Kind::wrong, "the record holds another key"};
    if (published->testing) return {Kind::right, "the record says t=y: only a test"};
    return {Kind::right, "the record belongs to the private key"};
}

std::vector<RotationStep> plan(std::vector<StoredKey> const& keys,
                               std::map<std::string, Published> const& dns, std::int64_t now,
                               RotationRule const& rule) {
    std::vector<RotationStep> out;
    for (auto const kind : {KeyKind::rsa, KeyKind::ed25519}) {
        Line line(dns, now, rule, out);
        for (auto const& key : keys) {
            if (key.kind == kind) line.add(key);
        }
        line.settle();
    }
    return out;
}

std::string day_of(std::int64_t seconds) {
    auto const time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    std::string out(32, '\0');
    if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(seconds);
    out.resize(std::strftime(out.data(), out.size(), "%Y-%m-%d", &parts));
    return out;
}

std::string new_selector(KeyKind kind, std::int64_t now, std::vector<StoredKey> const& taken) {
    auto base = day_of(now);
    std::erase(base, '-');
    base.insert(0, kind == KeyKind::rsa ? "r" : "e");
    auto const is_taken = [&](std::string const& name) {
        return std::any_of(taken.begin(), taken.end(),
                           [&](StoredKey const& key) { return key.selector == name; });
    };
    auto name = base;
    for (int i = 2; is_taken(name); ++i) name = base + "-" + std::to_string(i);
    return name;
}

std::vector<std::string> strings_of(std::string const& record) {
    constexpr std::size_t string_max = 255;  // RFC 1035 §3.3
    std::vector<std::string> out;
    for (std::size_t at = 0; at < record.size(); at += string_max)
        out.push_back(record.substr(at, string_max));
    return out;
}

std::string zone_line(std::string const& name, std::string const& record) {
    auto const strings = strings_of(record);
    std::string out = name + ". 3600 IN TXT";
    if (strings.size() == 1) return out + " \"" + record + "\"\n";
    out += " (\n";
    for (auto const& string : strings) out += "    \"" + string + "\"\n";
    return out + ")\n";
}

}  // namespace dawk::cmd
