#include "dawk/dmarc/record.hpp"

#include <algorithm>
#include <map>

#include "dawk/base/ascii.hpp"

namespace dawk::dmarc {

std::string_view to_string(Policy policy) noexcept {
    switch (policy) {
        case Policy::none:
            return "none";
        case Policy::quarantine:
            return "quarantine";
        case Policy::reject:
            return "reject";
    }
    return "none";
}

namespace {

constexpr std::size_t uris_max = 20;  // ours

// The next "name=value" of a record; empty name where there is none.
struct Tag {
    std::string name, value;
};
Tag next_tag(std::string_view& text) {
    auto const end = std::min(text.find(';'), text.size());
    auto const part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto const equals = part.find('=');
    if (equals == part.npos) return {};
    return {std::string(ascii::trim(part.substr(0, equals))),
            std::string(ascii::trim(part.substr(equals + 1)))};
}

std::optional<Policy> policy_of(std::string_view word) {
    for (auto const p : {Policy::none, Policy::quarantine, Policy::reject}) {
        if (ascii::iequals(word, to_string(p))) return p;
    }
    return std::nullopt;
}

// URI = scheme ":" ...: enough to know one from a typing error.
bool is_uri(std::string_view text) {
    auto const colon = text.find(':');
    if (colon == text.npos || colon == 0 || colon + 1 == text.size()) return false;
    if (!ascii::is_alpha(text.front())) return false;
    auto const scheme = text.substr(0, colon);
    bool const named = std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return ascii::is_alnum(c) || c == '+' || c == '-' || c == '.';
    });
    return named && std::all_of(text.begin(), text.end(),
                                [](char c) { return ascii::is_print(c) && c != ' '; });
}

std::vector<std::string> uris_of(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty() && out.size() < uris_max) {
        auto const end = std::min(list.find(','), list.size());
        auto const uri = ascii::trim(list.substr(0, end));
        // obs-dmarc-report-size stays behind "!", for those who send reports.
        bool const is_printable = std::all_of(uri.begin(), uri.end(), ascii::is_print);
        if (is_uri(uri.substr(0, uri.find('!'))) && is_printable) out.emplace_back(uri);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return out;
}

// dmarc-fo (§4.8): "0" or "1", and "d" and "s", each once at most. What is none of this is the
// default.
void set_failure_options(std::string_view value, Record& out) {
    bool zero = false, one = false, d = false, s = false;
    for (;;) {
        auto const end = std::min(value.find(':'), value.size());
        auto const word = ascii::to_lower(ascii::trim(value.substr(0, end)));
        bool* const flag = word == "0"   ? &zero
                           : word == "1" ? &one
                           : word == "d" ? &d
                           : word == "s" ? &s
                                         : nullptr;
        if (flag == nullptr || *flag) return;
        *flag = true;
        if (end == value.size()) break;
        value.remove_prefix(end + 1);
    }
    if (zero && one) return;
    out.report_all_failures = zero || !(one || d || s);
    out.report_any_failure = one;
    out.report_dkim = d;
    out.report_spf = s;
}

}  // namespace

bool is_dmarc1(std::string_view text) noexcept {
    auto rest = text;
    auto const tag = next_tag(rest);
    // dmarc-version: the value alone is case-sensitive (§4.8).
    return ascii::iequals(tag.name, "v") && tag.value == "DMARC1";
}

Parsed parse_record(std::string_view text) {
    Parsed out;
    if (!is_dmarc1(text)) {
        out.problem = "not a DMARC record";
        return out;
    }
    std::map<std::string, std::string> tags;
    for (auto rest = text; !rest.empty();) {
        auto tag = next_tag(rest);
        if (!tag.name.empty()) tags.emplace(ascii::to_lower(tag.name), std::move(tag.value));
    }
    Record record;
    record.text = text.substr(0, 1024);
    auto const is = [&](char const* name, std::string_view value) {
        auto const found = tags.find(name);
        return found != tags.end() && ascii::iequals(found->second, value);
    };
    record.strict_dkim = is("adkim", "s");
    record.strict_spf = is("aspf", "s");
    record.testing = is("t", "y");
    record.psd = is("psd", "y") ? Psd::yes : is("psd", "n") ? Psd::no : Psd::unsaid;
    record.rua = uris_of(tags["rua"]);
    record.ruf = uris_of(tags["ruf"]);
    set_failure_options(tags["fo"], record);
    auto const p = policy_of(tags["p"]);
    if (!p) out.problem = "no valid p=";
    for (auto const& [name, where] : {std::pair("sp", &record.sp), std::pair("np", &record.np)}) {
        auto const given = tags.find(name);
        if (given == tags.end()) continue;
        *where = policy_of(given->second);
        if (!*where) out.problem = std::string(name) + "= is not valid";
    }
    record.p = p.value_or(Policy::none);
    if (!out.problem.empty()) {  // §4.10.1: with a usable rua it is p=none, without it no DMARC
        record.applies = !record.rua.empty();
        record.p = Policy::none;
        record.sp.reset();
        record.np.reset();
    }
    out.record = std::move(record);
    return out;
}

}  // namespace dawk::dmarc
