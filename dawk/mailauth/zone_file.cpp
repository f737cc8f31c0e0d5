#include "dawk/mailauth/zone_file.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>

#include <boost/json/parse.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::mailauth {

namespace json = boost::json;

void throw_exception_from_error(ZoneFile::Failure const& failure, boost::source_location const&) {
    throw std::runtime_error(failure.reason);
}

namespace {

using Failure = ZoneFile::Failure;

std::string normal(std::string_view name) {
    std::string out(name);
    if (!ascii::is_ascii(name)) {
        if (auto a_labels = mail::to_a_labels(name)) out = std::move(*a_labels);
    }
    out = ascii::to_lower(out);
    if (out.ends_with('.')) out.pop_back();
    return out;
}

std::optional<dns::Status> status_of(json::value const& value) {
    auto const* text = value.if_string();
    if (text == nullptr) return std::nullopt;
    if (*text == "TIMEOUT") return dns::Status::timeout;
    if (*text == "SERVFAIL") return dns::Status::servfail;
    return std::nullopt;
}

std::optional<dns::Type> type_of(std::string_view word) {
    static std::map<std::string, dns::Type, std::less<>> const types = {
        {"A", dns::Type::a},     {"AAAA", dns::Type::aaaa}, {"MX", dns::Type::mx},
        {"TXT", dns::Type::txt}, {"PTR", dns::Type::ptr},   {"CNAME", dns::Type::cname},
        {"NS", dns::Type::ns},
    };
    auto const found = types.find(word);
    return found == types.end() ? std::nullopt : std::optional(found->second);
}

// Types that zones have, and that no check of ours asks for: type 99 among them, which RFC 7208
// §3.1 forbids to ask for.
bool is_unasked(std::string_view word) {
    constexpr std::string_view words[] = {"SPF",   "SOA",    "SRV",   "TLSA",  "CAA",   "DS",
                                          "NSEC",  "DNSKEY", "RRSIG", "DNAME", "NSEC3", "NAPTR",
                                          "SSHFP", "HINFO",  "LOC",   "HTTPS", "SVCB"};
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// A text, or a list of the strings that make it up.
std::optional<std::string> text_of(json::value const& value) {
    if (auto const* text = value.if_string()) return std::string(*text);
    auto const* parts = value.if_array();
    if (parts == nullptr) return std::nullopt;
    std::string out;
    for (auto const& part : *parts) {
        if (!part.is_string()) return std::nullopt;
        out += part.as_string();
    }
    return out;
}

bool add_mx(json::value const& value, dns::Answer& out) {
    auto const* pair = value.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_int64() || !(*pair)[1].is_string())
        return false;
    auto const preference = (*pair)[0].as_int64();
    if (preference < 0 || preference > 65535) return false;
    out.mx.push_back({static_cast<std::uint16_t>(preference), normal((*pair)[1].as_string())});
    return true;
}

bool add(dns::Type type, json::value const& value, dns::Answer& out) {
    if (type == dns::Type::mx) return add_mx(value, out);
    auto const text = text_of(value);
    if (!text) return false;
    switch (type) {
        case dns::Type::a:
        case dns::Type::aaaa:
            out.addresses.push_back(*text);
            break;
        case dns::Type::txt:
            out.texts.push_back(*text);
            break;
        default:
            out.names.push_back(normal(*text));
            break;
    }
    return true;
}

}  // namespace

class ZoneReader {
  public:
    static std::optional<Failure> read_type(std::string const& name, std::string_view word,
                                            json::value const& value, ZoneFile::Name& out) {
        auto const where = name + " " + std::string(word);
        if (word == "*") {
            auto const status = status_of(value);
            if (!status) return Failure{where + ": write \"TIMEOUT\" or \"SERVFAIL\""};
            out.otherwise = *status;
            return std::nullopt;
        }
        auto const upper = ascii::to_upper(word);
        if (is_unasked(upper)) return std::nullopt;
        auto const type = type_of(upper);
        if (!type) return Failure{where + ": unknown type; known: A AAAA MX TXT PTR CNAME NS SPF"};
        // In the same letters JSON has the last one count.
        if (out.records.contains(*type)) return Failure{where + ": the type is given twice"};
        auto& answer = out.records[*type];
        if (auto const status = status_of(value)) {
            answer.status = *status;
            return std::nullopt;
        }
        answer.status = dns::Status::ok;
        auto const* list = value.if_array();
        bool fine = true;
        // One MX record without the list around it.
        bool const is_pair = *type == dns::Type::mx && list != nullptr && list->size() == 2 &&
                             list->front().is_number();
        if (list != nullptr && !is_pair) {
            for (auto const& item : *list) fine = fine && add(*type, item, answer);
            if (list->empty()) answer.status = dns::Status::no_data;
        } else {
            fine = add(*type, value, answer);
        }
        if (!fine) return Failure{where + ": not a list of records of this type"};
        return std::nullopt;
    }
};

boost::system::result<ZoneFile, Failure> ZoneFile::parse(std::string_view text) {
    boost::system::error_code error;
    auto const root = json::parse(text, error);
    if (error) return Failure{"not JSON: " + error.message()};
    if (!root.is_object()) return Failure{"the zone must be one object of names"};
    ZoneFile zone;
    for (auto const& [key, value] : root.as_object()) {
        auto const name = normal(key);
        auto& entry = zone.names_[name];
        if (auto const status = status_of(value)) {
            if (name == "*") zone.absent_ = *status;
            entry.otherwise = *status;
            continue;
        }
        if (!value.is_object())
            return Failure{name + ": write an object of types, \"TIMEOUT\" or \"SERVFAIL\""};
        for (auto const& [word, records] : value.as_object()) {
            if (auto failure = ZoneReader::read_type(name, word, records, entry)) return *failure;
        }
    }
    return zone;
}

dns::Answer ZoneFile::answer(dns::Question const& question) const {
    dns::Answer out;
    std::string name = normal(question.name);
    for (int links = 0; links <= 10; ++links) {
        out = dns::Answer();
        out.canonical_name = name;
        auto const found = names_.find(name);
        if (found == names_.end()) {
            out.status = absent_;
            return out;
        }
        auto const record = found->second.records.find(question.type);
        if (record != found->second.records.end()) {
            out = record->second;
            out.canonical_name = name;
            return out;
        }
        auto const cname = found->second.records.find(dns::Type::cname);
        if (cname == found->second.records.end() || cname->second.names.empty()) {
            bool const fails = cname != found->second.records.end() && cname->second.temporary();
            out.status = fails ? cname->second.status : found->second.otherwise;
            return out;
        }
        name = cname->second.names.front();
    }
    out.status = dns::Status::servfail;  // a chain without end
    return out;
}

}  // namespace dawk::mailauth
