#include "dawk/dmarcreport/parse.hpp"

#include <map>
#include <stdexcept>

#include <expat.h>

#include "dawk/base/ascii.hpp"
#include "dawk/dns/dns.hpp"
#include "dawk/mail/charset.hpp"

namespace dawk::dmarcreport {

void throw_exception_from_error(Refusal const& refusal, boost::source_location const&) {
    throw std::runtime_error(refusal.reason);
}

namespace {

constexpr char separator = '|';  // between namespace and name, as expat gives them
constexpr std::size_t name_bytes_max = 100;
constexpr std::size_t feed_bytes_max = 1U << 20U;  // expat counts in int
constexpr std::size_t errors_max = 20;
constexpr std::size_t reasons_max = 20;

std::int64_t to_seconds(std::string const& text) {
    auto const whole = std::string_view(text).substr(0, text.find('.'));
    return ascii::to_number<std::int64_t>(whole).value_or(0);
}

std::string one_of(std::string const& text, std::initializer_list<std::string_view> words) {
    auto const word = ascii::to_lower(text);
    for (auto const known : words)
        if (word == known) return word;
    return {};
}

std::string policy_word(std::string const& text) {
    return one_of(text, {"none", "quarantine", "reject"});
}
std::string aligned_word(std::string const& text) {
    return one_of(text, {"pass", "fail"});
}
std::string alignment_word(std::string const& text) {
    auto const word = ascii::to_lower(text);
    if (word == "relaxed") return "r";
    if (word == "strict") return "s";
    return one_of(text, {"r", "s"});
}
std::string result_word(std::string const& text) {
    auto const word = ascii::to_lower(text);
    // Words of drafts and of older SPF software.
    if (word == "unknown") return "temperror";
    if (word == "error") return "permerror";
    if (word == "hardfail") return "fail";
    return one_of(
        text, {"none", "pass", "fail", "policy", "neutral", "softfail", "temperror", "permerror"});
}

// What is under way; the strings of elements are put where they belong as they end.
struct Building {
    Report report;
    Row row;
    DkimResult dkim;
    SpfResult spf;
    Reason reason;
    bool has_count = false;
};

using Setter = void (*)(Building&, std::string);
using Setters = std::map<std::string_view, Setter>;

#define DAWK_PUT(expression) [](Building& b, std::string text) { expression; }

Setters metadata_setters() {
    return {
        {"/version", DAWK_PUT(b.report.version = std::move(text))},
        {"/report_metadata/org_name", DAWK_PUT(b.report.org_name = std::move(text))},
        {"/report_metadata/email", DAWK_PUT(b.report.email = std::move(text))},
        {"/report_metadata/extra_contact_info",
         DAWK_PUT(b.report.extra_contact_info = std::move(text))},
        {"/report_metadata/report_id", DAWK_PUT(b.report.report_id = std::move(text))},
        {"/report_metadata/generator", DAWK_PUT(b.report.generator = std::move(text))},
        {"/report_metadata/date_range/begin", DAWK_PUT(b.report.begin = to_seconds(text))},
        {"/report_metadata/date_range/end", DAWK_PUT(b.report.end = to_seconds(text))},
        {"/report_metadata/error", DAWK_PUT(if (b.report.errors.size() < errors_max)
                                                b.report.errors.push_back(std::move(text)))},
        {"/policy_published/domain", DAWK_PUT(b.report.policy.domain = ascii::to_lower(text))},
        {"/policy_published/p", DAWK_PUT(b.report.policy.p = policy_word(text))},
        {"/policy_published/sp", DAWK_PUT(b.report.policy.sp = policy_word(text))},
        {"/policy_published/np", DAWK_PUT(b.report.policy.np = policy_word(text))},
        {"/policy_published/adkim", DAWK_PUT(b.report.policy.adkim = alignment_word(text))},
        {"/policy_published/aspf", DAWK_PUT(b.report.policy.aspf = alignment_word(text))},
        {"/policy_published/fo", DAWK_PUT(b.report.policy.fo = std::move(text))},
        {"/policy_published/testing", DAWK_PUT(b.report.policy.testing = one_of(text, {"y", "n"}))},
        {"/policy_published/discovery_method",
         DAWK_PUT(b.report.policy.discovery_method = one_of(text, {"treewalk", "psl"}))},
        {"/policy_published/version_published",
         DAWK_PUT(b.report.policy.version_published = std::move(text))},
    };
}

Setters record_setters() {
    return {
        {"/record/row/source_ip", DAWK_PUT(b.row.record.source_ip = ascii::to_lower(text))},
        {"/record/row/count", DAWK_PUT(auto const n = ascii::to_number<std::uint64_t>(text);
                                       b.has_count = n.has_value(); b.row.count = n.value_or(0))},
        {"/record/row/policy_evaluated/disposition",
         DAWK_PUT(b.row.record.disposition =
                      one_of(text, {"none", "pass", "quarantine", "reject"}))},
        {"/record/row/policy_evaluated/dkim", DAWK_PUT(b.row.record.dkim = aligned_word(text))},
        {"/record/row/policy_evaluated/spf", DAWK_PUT(b.row.record.spf = aligned_word(text))},
        {"/record/row/policy_evaluated/reason/type",
         DAWK_PUT(b.reason.type = ascii::to_lower(text))},
        {"/record/row/policy_evaluated/reason/comment",
         DAWK_PUT(b.reason.comment = std::move(text))},
        {"/record/identifiers/header_from",
         DAWK_PUT(b.row.record.header_from = ascii::to_lower(text))},
        {"/record/identifiers/envelope_from",
         DAWK_PUT(b.row.record.envelope_from = ascii::to_lower(text))},
        {"/record/identifiers/envelope_to",
         DAWK_PUT(b.row.record.envelope_to = ascii::to_lower(text))},
        {"/record/auth_results/dkim/domain", DAWK_PUT(b.dkim.domain = ascii::to_lower(text))},
        {"/record/auth_results/dkim/selector", DAWK_PUT(b.dkim.selector = std::move(text))},
        {"/record/auth_results/dkim/result", DAWK_PUT(b.dkim.result = result_word(text))},
        {"/record/auth_results/dkim/human_result", DAWK_PUT(b.dkim.human_result = std::move(text))},
        {"/record/auth_results/spf/domain", DAWK_PUT(b.spf.domain = ascii::to_lower(text))},
        {"/record/auth_results/spf/scope", DAWK_PUT(b.spf.scope = one_of(text, {"mfrom", "helo"}))},
        {"/record/auth_results/spf/result", DAWK_PUT(b.spf.result = result_word(text))},
        {"/record/auth_results/spf/human_result", DAWK_PUT(b.spf.human_result = std::move(text))},
    };
}

#undef DAWK_PUT

// By the path below the root; "identities" is what some write for "identifiers".
Setters const& setters() {
    static Setters const all = [] {
        auto out = metadata_setters();
        out.merge(record_setters());
        out.emplace("/record/identities/header_from", out.at("/record/identifiers/header_from"));
        out.emplace("/record/identities/envelope_from",
                    out.at("/record/identifiers/envelope_from"));
        return out;
    }();
    return all;
}

}  // namespace

struct Parser::State {
    explicit State(ParseLimits given) : limits(given) {
        expat = XML_ParserCreateNS(nullptr, separator);
        if (expat == nullptr) {
            refuse(Errc::unavailable, "no memory for the XML parser");
            return;
        }
        XML_SetUserData(expat, this);
        XML_SetElementHandler(expat, on_start, on_end);
        XML_SetCharacterDataHandler(expat, on_text);
        XML_SetStartDoctypeDeclHandler(expat, on_doctype);
        XML_SetUnknownEncodingHandler(expat, on_encoding, nullptr);
    }
    ~State() { XML_ParserFree(expat); }
    State(State const&) = delete;
    State& operator=(State const&) = delete;

    static State& of(void* self) { return *static_cast<State*>(self); }

    void refuse(Errc code, std::string reason) {
        if (refused) return;
        refused = true;
        refusal = {code, std::move(reason)};
        if (expat != nullptr) XML_StopParser(expat, XML_FALSE);
    }

    static void XMLCALL on_doctype(void* self, XML_Char const*, XML_Char const*, XML_Char const*,
                                   int) {
        of(self).refuse(Errc::denied, "it has a document type declaration, which no report needs");
    }
    static void XMLCALL on_start(void* self, XML_Char const* name, XML_Char const**) {
        of(self).start(name);
    }
    static void XMLCALL on_end(void* self, XML_Char const*) { of(self).end(); }
    static void XMLCALL on_text(void* self, XML_Char const* text, int size) {
        of(self).add_text({text, static_cast<std::size_t>(size)});
    }
    // Single octet charsets, by the table mail is read with; no other.
    static int XMLCALL on_encoding(void*, XML_Char const* name, XML_Encoding* info) {
        for (int octet = 0; octet < 256; ++octet) {
            char const c = static_cast<char>(octet);
            auto const utf8 = mail::to_utf8({&c, 1}, name);
            if (!utf8) return XML_STATUS_ERROR;
            info->map[octet] = octet < 128 ? octet : code_point(*utf8);
        }
        info->data = nullptr;
        info->convert = nullptr;
        info->release = nullptr;
        return XML_STATUS_OK;
    }
    static int code_point(std::string const& utf8) {
        auto const at = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
        if (utf8.size() == 2) return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
        if (utf8.size() == 3) return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
        return 0xFFFD;
    }

    void start(std::string_view name) {
        auto const bar = name.find(separator);
        auto const space = bar == name.npos ? std::string_view() : name.substr(0, bar);
        if (bar != name.npos) name.remove_prefix(bar + 1);
        if (++depth > limits.depth) return refuse(Errc::too_many, "its elements nest too deeply");
        text.clear();
        if (depth == 1) {
            if (name != "feedback")
                return refuse(
                    Errc::not_found,
                    "its root is <" + ascii::printable(name, name_bytes_max) + ">, not <feedback>");
            building.report.has_namespace = space == xml_namespace;
            return;
        }
        path += '/';
        path += name.substr(0, name_bytes_max);
        if (path == "/record") {
            if (building.report.rows.size() >= limits.rows)
                return refuse(Errc::too_many,
                              "it has more than " + std::to_string(limits.rows) + " records");
            building.row = {};
            building.has_count = false;
        } else if (path == "/record/auth_results/dkim") {
            building.dkim = {};
        } else if (path == "/record/auth_results/spf") {
            building.spf = {};
        } else if (path == "/record/row/policy_evaluated/reason") {
            building.reason = {};
        }
    }

    void add_text(std::string_view piece) {
        auto const room = limits.text_bytes - std::min(limits.text_bytes, text.size());
        text += piece.substr(0, room);
    }

    void end() {
        if (refused) return;
        --depth;
        if (auto const found = setters().find(path); found != setters().end())
            found->second(building, mail::scrub_utf8(ascii::trim(text)));
        text.clear();
        auto& record = building.row.record;
        if (path == "/record") {
            end_record();
        } else if (path == "/record/auth_results/dkim") {
            if (record.dkim_results.size() < limits.results)
                record.dkim_results.push_back(std::move(building.dkim));
        } else if (path == "/record/auth_results/spf") {
            if (record.spf_results.size() < limits.results)
                record.spf_results.push_back(std::move(building.spf));
        } else if (path == "/record/row/policy_evaluated/reason") {
            if (record.reasons.size() < reasons_max)
                record.reasons.push_back(std::move(building.reason));
        }
        path.resize(depth == 0 ? 0 : path.rfind('/'));
    }

    void end_record() {
        bool const is_usable = building.has_count && building.row.count > 0 &&
                               !dns::reverse_name(building.row.record.source_ip).empty();
        if (is_usable)
            building.report.rows.push_back(std::move(building.row));
        else
            ++building.report.skipped;
    }

    bool parse(std::string_view piece, bool is_last) {
        // White space before the XML declaration is against the grammar, and is seen.
        if (!begun && !is_last) {
            auto const first = piece.find_first_not_of(" \t\r\n");
            piece.remove_prefix(std::min(first, piece.size()));
            if (piece.empty()) return !refused;
            begun = true;
        }
        auto const status =
            XML_Parse(expat, piece.data(), static_cast<int>(piece.size()), is_last ? 1 : 0);
        if (status != XML_STATUS_OK && !refused) {
            refuse(Errc::bad_syntax, std::string("XML: ") +
                                         XML_ErrorString(XML_GetErrorCode(expat)) + " in line " +
                                         std::to_string(XML_GetCurrentLineNumber(expat)));
        }
        return !refused;
    }

    ParseLimits limits;
    XML_Parser expat = nullptr;
    Building building;
    std::string path, text;
    std::size_t depth = 0, size = 0;
    bool begun = false, refused = false;
    Refusal refusal;
};

Parser::Parser(ParseLimits limits) : state_(std::make_unique<State>(limits)) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

bool Parser::feed(std::string_view piece) {
    auto& s = *state_;
    if (s.refused) return false;
    if (piece.size() > s.limits.xml_bytes - s.size) {
        s.refuse(Errc::too_long,
                 "it has more than " + std::to_string(s.limits.xml_bytes) + " octets of XML");
        return false;
    }
    s.size += piece.size();
    for (; !piece.empty(); piece.remove_prefix(std::min(feed_bytes_max, piece.size())))
        if (!s.parse(piece.substr(0, feed_bytes_max), false)) return false;
    return true;
}

Outcome<Report> Parser::finish() {
    auto& s = *state_;
    if (!s.refused) s.parse({}, true);
    auto const& report = s.building.report;
    if (!s.refused && report.policy.domain.empty())
        s.refuse(Errc::bad_syntax, "it names no domain (policy_published/domain)");
    if (!s.refused && (report.begin <= 0 || report.end < report.begin))
        s.refuse(Errc::bad_syntax, "its period (date_range) cannot be understood");
    if (s.refused) return s.refusal;
    return std::move(s.building.report);
}

Outcome<Report> parse_xml(std::string_view xml, ParseLimits limits) {
    Parser parser(limits);
    parser.feed(xml);
    return parser.finish();
}

}  // namespace dawk::dmarcreport
