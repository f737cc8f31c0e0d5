#include "dawk/mailauth/facts.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"

namespace dawk::mailauth {
namespace {

constexpr std::size_t value_max = 512;
constexpr std::size_t signatures_shown = 20;

// Printable and valid UTF-8, so that only two characters need care.
void append(std::string& out, std::string_view text) {
    out += '"';
    auto const plain = [](char c) { return ascii::is_print(c) && c != '"' && c != '\\'; };
    if (text.size() <= value_max && std::all_of(text.begin(), text.end(), plain)) {
        out += text;
        out += '"';
        return;
    }
    for (char const c : ascii::printable(text, value_max)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

class Object {
  public:
    explicit Object(std::string& out) : out_(out) { out_ += '{'; }
    ~Object() { out_ += '}'; }
    Object(Object const&) = delete;
    Object& operator=(Object const&) = delete;
    std::string& key(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
        return out_;
    }
    void put(std::string_view name, std::string_view value) {
        if (!value.empty()) append(key(name), value);
    }

  private:
    std::string& out_;
    bool first_ = true;
};

void put(std::string& out, spf::Verdict const& v) {
    Object object(out);
    object.put("result", spf::to_string(v.result));
    object.put("reason", v.reason);
    object.put("domain", v.domain);
    object.put("explanation", v.explanation);
}

void put(std::string& out, dkim::Verdict const& v) {
    Object object(out);
    object.put("result", dkim::to_string(v.result));
    object.put("reason", v.reason);
    object.put("domain", v.domain);
    object.put("selector", v.selector);
    object.put("algorithm", v.algorithm);
}

void put(std::string& out, dmarc::Verdict const& v) {
    Object object(out);
    object.put("result", dmarc::to_string(v.result));
    object.put("reason", v.reason);
    object.put("domain", v.author_domain);
    if (!v.record) return;
    object.put("policy", dmarc::to_string(v.requested));
    object.put("policy_domain", v.policy_domain);
    object.put("record", v.record->text);
}

void put(std::string& out, LookUp const& v) {
    Object object(out);
    object.put("name", v.name);
    object.put("type", v.type);
    object.put("status", v.status);
    if (!v.answers.empty()) {
        auto& list = object.key("answer");
        list += '[';
        for (std::size_t i = 0; i < v.answers.size(); ++i) {
            if (i > 0) list += ',';
            append(list, v.answers[i]);
        }
        list += ']';
    }
    // Milliseconds with three places, without a detour over floating point.
    auto const fraction = std::to_string(v.micros % 1000);
    object.key("ms") +=
        std::to_string(v.micros / 1000) + '.' + std::string(3 - fraction.size(), '0') + fraction;
}

void put_look_ups(Object& object, std::string& out, LookUps const& look_ups) {
    object.key("lookups") += '[';
    std::size_t left_out = 0;
    for (auto const& entry : look_ups) {
        auto const before = out.size();
        if (out.back() != '[') out += ',';
        put(out, entry);
        if (out.size() + 64 <= facts_max) continue;
        out.resize(before);
        ++left_out;
    }
    out += ']';
    if (left_out > 0) object.key("lookups_left_out") += std::to_string(left_out);
}

}  // namespace

namespace {

void put(std::string& out, Report const& report, LookUps const& look_ups,
         Decision const& decision) {
    Object object(out);
    object.put("action", decision.defer ? "defer" : to_string(decision.action));
    object.put("why", decision.reason);
    if (!decision.overrides.empty()) {
        object.key("overrides") += '[';
        for (std::size_t i = 0; i < decision.overrides.size(); ++i) {
            if (i > 0) out += ',';
            Object one(out);
            one.put("type", decision.overrides[i].type);
            one.put("comment", decision.overrides[i].comment);
        }
        out += ']';
    }
    put(object.key("spf"), report.spf);
    put(object.key("spf_helo"), report.spf_helo);
    object.key("dkim") += '[';
    for (std::size_t i = 0; i < std::min(report.dkim.size(), signatures_shown); ++i) {
        if (i > 0) out += ',';
        put(out, report.dkim[i]);
    }
    out += ']';
    put(object.key("dmarc"), report.dmarc);
    {
        object.key("arc");
        Object arc(out);
        arc.put("result", arc::to_string(report.arc.result));
        arc.put("reason", report.arc.reason);
    }
    {
        object.key("iprev");
        Object iprev(out);
        iprev.put("result", to_string(report.iprev.result));
        iprev.put("reason", report.iprev.reason);
        iprev.put("name", report.iprev.name);
    }
    put_look_ups(object, out, look_ups);
}

}  // namespace

std::string facts(Report const& report, LookUps const& look_ups, Decision const& decision) {
    std::string out;
    out.reserve(2048);
    put(out, report, look_ups, decision);
    return out;
}

}  // namespace dawk::mailauth
