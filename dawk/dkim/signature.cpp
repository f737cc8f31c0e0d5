#include "dawk/dkim/signature.hpp"

#include <algorithm>
#include <stdexcept>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/dkim/tags.hpp"

namespace dawk::dkim {

void throw_exception_from_error(Unusable const& error, boost::source_location const&) {
    throw std::runtime_error(error.reason);
}

std::string_view to_string(Result result) noexcept {
    switch (result) {
        case Result::none:
            return "none";
        case Result::pass:
            return "pass";
        case Result::fail:
            return "fail";
        case Result::policy:
            return "policy";
        case Result::neutral:
            return "neutral";
        case Result::temperror:
            return "temperror";
        case Result::permerror:
            return "permerror";
    }
    return "none";
}

std::string_view to_string(Algorithm algorithm) noexcept {
    switch (algorithm) {
        case Algorithm::rsa_sha1:
            return "rsa-sha1";
        case Algorithm::rsa_sha256:
            return "rsa-sha256";
        case Algorithm::ed25519_sha256:
            return "ed25519-sha256";
    }
    return "";
}

std::optional<Algorithm> algorithm_of(std::string_view name) noexcept {
    for (auto const a : {Algorithm::rsa_sha1, Algorithm::rsa_sha256, Algorithm::ed25519_sha256}) {
        if (ascii::iequals(name, to_string(a))) return a;
    }
    return std::nullopt;
}

namespace {

constexpr unsigned rsa_bits_min = 1024;  // RFC 8301 §3.2
constexpr unsigned rsa_bits_max = 8192;  // ours: beyond, a signature is a way to burn our time
constexpr std::size_t fields_max = 500;  // ours

// PERMFAIL of RFC 6376 §6.1.1, for bad syntax as well. Deviation: RFC 8601 §2.7.1 would allow
// neutral there, which filters take for something better than a broken signature.
Unusable broken(std::string reason) {
    return {Result::permerror, std::move(reason)};
}

// base64string (RFC 6376 §2.10) may lack the padding.
std::optional<std::string> octets_of(std::string_view text) {
    auto const packed = without_space(text);
    std::string_view bare = packed;
    for (int i = 0; i < 2 && bare.ends_with('='); ++i) bare.remove_suffix(1);
    auto out = base64::decode(bare, base64::Padding::without);
    if (!out || out->empty()) return std::nullopt;
    return std::move(*out);
}

// sub-domain labels: what a query can be made for. UTF-8 is left to the caller's A-labels (RFC
// 8616).
bool is_domain(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    while (!name.empty()) {
        auto const dot = std::min(name.find('.'), name.size());
        if (dot == 0 || dot > 63 || dot + 1 == name.size()) return false;
        auto const label = name.substr(0, dot);
        bool const fine = std::all_of(label.begin(), label.end(), [](char c) {
            return ascii::is_alnum(c) || c == '-' || c == '_' || ascii::is_eight_bit(c);
        });
        if (!fine) return false;
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return true;
}

bool is_under(std::string_view name, std::string_view domain) {
    if (ascii::iequals(name, domain)) return true;
    return name.size() > domain.size() && ascii::iends_with(name, domain) &&
           name[name.size() - domain.size() - 1] == '.';
}

std::optional<Canonical> form_of(std::string_view name) {
    if (ascii::iequals(name, "simple")) return Canonical::simple;
    if (ascii::iequals(name, "relaxed")) return Canonical::relaxed;
    return std::nullopt;
}

bool set_forms(std::string_view text, Signature& out) {
    auto const slash = text.find('/');
    auto const header = form_of(text.substr(0, slash));
    auto const body = slash == text.npos ? Canonical::simple : form_of(text.substr(slash + 1));
    if (!header || !body) return false;
    out.header_form = *header;
    out.body_form = *body;
    return true;
}

// Times of 12 digits at most (§3.5); l= of 76.
std::optional<std::int64_t> time_of(std::string_view text) {
    if (text.size() > 12) return std::nullopt;
    return ascii::to_number<std::int64_t>(text);
}

std::optional<Unusable> set_identity(TagList const& tags, Signature& out) {
    auto const given = tags.get("i");
    out.identity = given ? std::string(*given) : "@" + out.domain;
    auto const at = out.identity.rfind('@');
    if (at == out.identity.npos) return broken("i= has no @");
    if (!is_under(out.identity.substr(at + 1), out.domain)) return broken("i= is not within d=");
    return std::nullopt;
}

std::optional<Unusable> set_optional(TagList const& tags, SignatureKind kind, Signature& out) {
    if (auto const c = tags.get("c"); c && !set_forms(without_space(*c), out))
        return broken("unknown c=");
    if (auto const q = tags.get("q")) {
        auto const methods = colon_list(*q);
        bool const dns = std::any_of(methods.begin(), methods.end(),
                                     [](auto const& m) { return ascii::iequals(m, "dns/txt"); });
        if (!dns) return broken("q= names no method that we know");
    }
    if (auto const l = tags.get("l")) {
        out.length = ascii::to_number<std::uint64_t>(*l);
        if (!out.length) return broken("l= is no number");
    }
    if (auto const t = tags.get("t")) {
        out.signed_at = time_of(*t);
        if (!out.signed_at) return broken("t= is no time");
    }
    if (auto const x = tags.get("x")) {
        out.expires_at = time_of(*x);
        if (!out.expires_at) return broken("x= is no time");
    }
    if (out.signed_at && out.expires_at && *out.expires_at < *out.signed_at)
        return broken("x= is before t=");
    if (kind == SignatureKind::arc_message) return std::nullopt;
    return set_identity(tags, out);
}

std::optional<Unusable> set_fields(std::string_view text, Signature& out) {
    out.fields = colon_list(text);
    if (out.fields.size() > fields_max) return broken("h= names too many fields");
    bool const empty =
        std::any_of(out.fields.begin(), out.fields.end(), [](auto const& f) { return f.empty(); });
    if (empty) return broken("h= has an empty name");
    bool const from = std::any_of(out.fields.begin(), out.fields.end(),
                                  [](auto const& f) { return ascii::iequals(f, "from"); });
    if (!from) return broken("From is not signed");  // §6.1.1
    return std::nullopt;
}

}  // namespace

Usable<Signature> parse_signature(std::string_view body, SignatureKind kind) {
    auto const tags = TagList::parse(body);
    if (!tags) return broken("the signature is no tag list");
    for (auto const* name : {"a", "b", "bh", "d", "h", "s"}) {
        if (!tags->get(name)) return broken(std::string("the signature has no ") + name + "=");
    }
    if (kind == SignatureKind::dkim && tags->get("v") != "1") {
        return broken("the signature's version is not 1");
    }
    Signature out;
    auto const algorithm = algorithm_of(*tags->get("a"));
    if (!algorithm) return broken("unknown algorithm " + ascii::printable(*tags->get("a"), 40));
    out.algorithm = *algorithm;
    out.domain = ascii::to_lower(without_space(*tags->get("d")));
    out.selector = ascii::to_lower(without_space(*tags->get("s")));
    if (!is_domain(out.domain)) return broken("d= is no domain");
    if (!is_domain(out.selector)) return broken("s= is no selector");
    auto value = octets_of(*tags->get("b"));
    auto hash = octets_of(*tags->get("bh"));
    if (!value) return broken("b= is no base64");
    if (!hash) return broken("bh= is no base64");
    out.value = *std::move(value);
    out.body_hash = *std::move(hash);
    if (auto problem = set_fields(*tags->get("h"), out)) return *problem;
    if (auto problem = set_optional(*tags, kind, out)) return *problem;
    return out;
}

namespace {

bool contains(std::string_view list, std::string_view item) {
    auto const items = colon_list(list);
    return std::any_of(items.begin(), items.end(),
                       [&](auto const& i) { return ascii::iequals(i, item); });
}

Usable<crypto::PublicKey> key_of(std::string_view p, crypto::KeyKind kind) {
    auto const octets = octets_of(p);
    if (!octets) return broken("p= of the key is no base64");
    auto key = kind == crypto::KeyKind::rsa ? crypto::PublicKey::from_der(*octets)
                                            : crypto::PublicKey::from_ed25519(*octets);
    if (!key || key->kind() != kind) return broken("p= is no key of its kind");
    if (kind == crypto::KeyKind::rsa && key->bits() < rsa_bits_min) {
        return Unusable{Result::policy,
                        "the key has only " + std::to_string(key->bits()) + " bits"};
    }
    if (kind == crypto::KeyKind::rsa && key->bits() > rsa_bits_max) {
        return Unusable{Result::policy, "the key has more than 8192 bits"};
    }
    return std::move(*key);
}

}  // namespace

Usable<KeyRecord> parse_key(std::string_view text, Algorithm algorithm) {
    auto const tags = TagList::parse(text);
    if (!tags) return broken("the key record is no tag list");
    if (auto const v = tags->get("v"); v && (*v != "DKIM1" || tags->all().front().first != "v")) {
        return broken("the key record's version is not DKIM1");  // §3.6.1: first, if present
    }
    auto const p = tags->get("p");
    if (!p) return broken("the key record has no p=");
    if (p->empty()) return broken(std::string(key_revoked));
    auto const kind =
        algorithm == Algorithm::ed25519_sha256 ? crypto::KeyKind::ed25519 : crypto::KeyKind::rsa;
    auto const k = tags->get("k").value_or("rsa");
    if (!ascii::iequals(k, kind == crypto::KeyKind::rsa ? "rsa" : "ed25519")) {
        return broken("the key is of another kind than the signature");
    }
    if (auto const h = tags->get("h");
        h && !contains(*h, algorithm == Algorithm::rsa_sha1 ? "sha1" : "sha256")) {
        return broken("the key's h= does not allow the signature's hash");
    }
    if (auto const s = tags->get("s"); s && !contains(*s, "*") && !contains(*s, "email")) {
        return broken("the key is not for mail");
    }
    auto key = key_of(*p, kind);
    if (!key) return key.error();
    KeyRecord out{std::move(*key), false, false};
    if (auto const t = tags->get("t")) {
        out.testing = contains(*t, "y");
        out.strict_identity = contains(*t, "s");
    }
    return out;
}

std::string without_signature_value(std::string_view raw) {
    // b= stands at the start of a tag: behind the colon of the field or behind a semicolon.
    std::string out;
    out.reserve(raw.size());
    auto const colon = raw.find(':');
    out.append(raw.substr(0, colon + 1));
    raw.remove_prefix(colon + 1);
    while (!raw.empty()) {
        auto const end = std::min(raw.find(';'), raw.size());
        auto const tag = raw.substr(0, end);
        auto const equals = tag.find('=');
        bool const value = equals != tag.npos && ascii::trim(tag.substr(0, equals)) == "b";
        if (value) {
            out.append(tag.substr(0, equals + 1));
            // The last tag may run to the end of the field: its line end is not of the value.
            if (end == raw.size() && tag.ends_with("\r\n")) out += "\r\n";
        } else {
            out.append(tag);
        }
        if (end < raw.size()) out += ';';
        raw.remove_prefix(std::min(end + 1, raw.size()));
    }
    return out;
}

}  // namespace dawk::dkim
