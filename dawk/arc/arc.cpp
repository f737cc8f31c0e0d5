#include "dawk/arc/arc.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/dkim/tags.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::arc {

std::string_view to_string(Result result) noexcept {
    switch (result) {
        case Result::none:
            return "none";
        case Result::pass:
            return "pass";
        case Result::fail:
            return "fail";
    }
    return "none";
}

namespace {

// What stands before the first semicolon, without comments; where that is (npos: nowhere).
struct InstanceText {
    std::string text;
    std::size_t end = std::string_view::npos;
};
InstanceText instance_text(std::string_view body) {
    InstanceText out;
    int depth = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
        char const c = body[i];
        if (c == ';' && depth == 0) {
            out.end = i;
            break;
        }
        if (c == '(') ++depth;
        if (depth == 0) out.text += c;
        if (c == '\\' && depth > 0) ++i;
        if (c == ')' && depth > 0) --depth;
    }
    return out;
}

// i= of any field of a set: 1..50 (§4.2.1). In ARC-Authentication-Results it stands first, and
// comments may stand around it.
std::optional<unsigned> instance_of(mail::HeaderField const& field) {
    std::string_view const body = field.body;
    std::string_view value;
    InstanceText before;
    if (ascii::iequals(field.name, "ARC-Authentication-Results")) {
        before = instance_text(body);
        auto const first = ascii::trim(before.text);
        auto const equals = first.find('=');
        if (before.end == body.npos || equals == first.npos ||
            ascii::trim(first.substr(0, equals)) != "i") {
            return std::nullopt;
        }
        value = ascii::trim(first.substr(equals + 1));
    } else {
        auto const tags = dkim::TagList::parse(body);
        auto const i = tags ? tags->get("i") : std::nullopt;
        if (!i) return std::nullopt;
        value = *i;
    }
    auto const number = ascii::to_number<unsigned>(value);
    if (!number || *number == 0 || *number > sets_max) return std::nullopt;
    return number;
}

std::string relaxed(mail::HeaderField const& field) {
    return dkim::canonical_field(field, dkim::Canonical::relaxed);
}

std::string relaxed_text(std::string const& raw) {
    auto const section = mail::HeaderSection::parse(raw, mail::HeaderLimits{1U << 20U, 1});
    return section && !section->empty() ? relaxed((*section)[0]) : std::string();
}

std::string at_set(std::size_t index, std::string_view what) {
    return std::string(what) + " in set " + std::to_string(index + 1);
}

}  // namespace

Verifier::Verifier(mail::HeaderSection const& header, dkim::Options options)
    : header_(header), options_(options) {
    if (options_.keys == nullptr) options_.keys = &own_keys_;
    collect(header);
    for (std::size_t i = 0; i < sets_.size() && problem_.empty(); ++i) problem_ = parse(i);
}

std::string Verifier::add(mail::HeaderField const& field,
                          std::optional<mail::HeaderField> Set::*slot) {
    auto const instance = instance_of(field);
    if (!instance) return "an ARC field without a valid i=";
    if (sets_.size() < *instance) sets_.resize(*instance);
    auto& place = sets_[*instance - 1].*slot;
    if (place) return at_set(*instance - 1, "a field twice");
    place = field;
    return {};
}

void Verifier::collect(mail::HeaderSection const& header) {
    for (auto const& field : header) {
        std::string problem;
        if (field.is("ARC-Authentication-Results")) problem = add(field, &Set::results);
        if (field.is("ARC-Message-Signature")) problem = add(field, &Set::message_signature);
        if (field.is("ARC-Seal")) problem = add(field, &Set::seal);
        if (problem_.empty()) problem_ = problem;
    }
}

std::optional<Verifier::Seal> Verifier::parse_seal(std::string_view body) {
    auto const tags = dkim::TagList::parse(body);
    if (!tags || tags->get("h")) return std::nullopt;  // §4.1.3: no h=
    for (auto const* name : {"a", "b", "cv", "d", "s"}) {
        if (!tags->get(name)) return std::nullopt;
    }
    Seal out;
    auto const algorithm = dkim::algorithm_of(*tags->get("a"));
    auto const value = base64::decode(dkim::without_space(*tags->get("b")));
    if (!algorithm || *algorithm == dkim::Algorithm::rsa_sha1 || !value) return std::nullopt;
    if (auto const t = tags->get("t"); t && !ascii::to_number<std::uint64_t>(*t))
        return std::nullopt;
    out.algorithm = *algorithm;
    out.value = *value;
    out.cv = ascii::to_lower(*tags->get("cv"));
    out.domain = ascii::to_lower(dkim::without_space(*tags->get("d")));
    out.selector = ascii::to_lower(dkim::without_space(*tags->get("s")));
    return out;
}

// §5.2 step 3: the structure of one set. "" when it holds.
std::string Verifier::parse(std::size_t index) {
    auto& set = sets_[index];
    if (!set.results || !set.message_signature || !set.seal)
        return at_set(index, "a field is missing");
    auto seal = parse_seal(set.seal->body);
    if (!seal) return at_set(index, "the seal cannot be read");
    set.parsed_seal = std::move(*seal);
    std::string_view const cv = set.parsed_seal.cv;
    if (cv == "fail") return at_set(index, "the chain is sealed as failed");
    if (cv != (index == 0 ? "none" : "pass")) return at_set(index, "cv= does not fit");
    auto signature =
        dkim::parse_signature(set.message_signature->body, dkim::SignatureKind::arc_message);
    if (!signature) return at_set(index, signature.error().reason);
    if (signature->algorithm == dkim::Algorithm::rsa_sha1) return at_set(index, "rsa-sha1");
    auto const& names = signature->fields;
    bool const forbidden = std::any_of(names.begin(), names.end(), [](auto const& name) {
        return ascii::iequals(name, "ARC-Seal") || ascii::iequals(name, "Authentication-Results");
    });
    if (forbidden) return at_set(index, "h= signs what it must not");  // §4.1.2
    set.body = body_for(*signature);
    set.signature = std::move(*signature);
    return {};
}

void Verifier::body(std::string_view piece) {
    if (!problem_.empty()) return;
    for (auto& body : bodies_) body.state.update(piece);
}

std::size_t Verifier::body_for(dkim::Signature const& signature) {
    auto const same = std::find_if(bodies_.begin(), bodies_.end(), [&](Body const& body) {
        return body.form == signature.body_form && body.length == signature.length;
    });
    if (same != bodies_.end()) return static_cast<std::size_t>(same - bodies_.begin());
    bodies_.push_back(Body{signature.body_form,
                           signature.length,
                           dkim::BodyHash(signature.body_form, signature.length),
                           {}});
    return bodies_.size() - 1;
}

// §5.1.1: all fields of the sets up to count, in order, the last seal without its value.
std::string Verifier::seal_digest(std::vector<Set> const& sets, std::size_t count,
                                  std::string_view last_seal) {
    crypto::Digest digest(crypto::Hash::sha256);
    for (std::size_t i = 0; i < count; ++i) {
        digest.update(relaxed(*sets[i].results));
        digest.update(relaxed(*sets[i].message_signature));
        if (i + 1 < count) digest.update(relaxed(*sets[i].seal));
    }
    auto last = relaxed_text(dkim::without_signature_value(last_seal));
    if (last.ends_with("\r\n")) last.resize(last.size() - 2);
    digest.update(last);
    return digest.finish();
}

dns::Inquiry<dkim::Usable<dkim::KeyRecord>> Verifier::key_of(std::string domain,
                                                             std::string selector,
                                                             dkim::Algorithm algorithm) {
    dkim::Unusable problem{dkim::Result::permerror, "no key"};
    auto const d = mail::to_a_labels(domain);
    auto const s = mail::to_a_labels(selector);
    if (!d || !s) co_return problem;
    dns::Question const question{*s + "._domainkey." + *d, dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    problem.reason = "no key at " + question.name;
    if (answer.temporary())
        problem.reason = "DNS TXT of " + question.name + ": " + dns::to_string(answer.status);
    for (auto const& text : answer.texts) {
        auto const& key = options_.keys->get(text, algorithm);
        if (key) co_return *key;
        problem = key.error();
    }
    co_return problem;
}

dns::Inquiry<std::string> Verifier::check_message(std::size_t index) {
    auto const& signature = sets_[index].signature;
    auto const& body = bodies_[sets_[index].body];
    auto const now = to_millis(options_.now) / 1000;
    if (signature.expires_at && *signature.expires_at + options_.clock_skew.count() < now)
        co_return at_set(index, "the message signature has expired");
    auto const key = co_await key_of(signature.domain, signature.selector, signature.algorithm);
    if (!key) co_return at_set(index, key.error().reason);
    if (signature.length && *signature.length > body.state.canonical_size())
        co_return at_set(index, "l= is longer than the body");
    if (!crypto::equal(body.digest, signature.body_hash))
        co_return at_set(index, "the body was changed since");
    auto const header =
        dkim::header_digest(header_, signature.fields, signature.header_form,
                            sets_[index].message_signature->raw, crypto::Hash::sha256);
    if (!key->key.verify_digest(header, signature.value)) {
        co_return at_set(index, "a signed field was changed since");
    }
    co_return std::string();
}

dns::Inquiry<std::string> Verifier::check_seal(std::size_t index) {
    auto const& seal = sets_[index].parsed_seal;
    auto const key = co_await key_of(seal.domain, seal.selector, seal.algorithm);
    if (!key) co_return at_set(index, key.error().reason);
    auto const digest = seal_digest(sets_, index + 1, sets_[index].seal->raw);
    if (!key->key.verify_digest(digest, seal.value)) co_return at_set(index, "the seal is broken");
    co_return std::string();
}

dns::Inquiry<Verdict> Verifier::finish() {
    Verdict verdict;
    verdict.sets = static_cast<unsigned>(sets_.size());
    verdict.reason = sets_.empty() ? "no ARC sets" : problem_;
    if (sets_.empty() && problem_.empty()) co_return verdict;
    verdict.result = Result::fail;
    if (!problem_.empty()) {
        verdict.reason = problem_;
        co_return verdict;
    }
    for (auto& body : bodies_) body.digest = body.state.finish();
    for (auto const& set : sets_) verdict.sealers.push_back(set.parsed_seal.domain);
    // §5.2 steps 4 and 5: the newest must hold; how far back they all do is said.
    for (std::size_t i = sets_.size(); i-- > 0;) {
        auto const problem = co_await check_message(i);
        if (problem.empty()) continue;
        if (i + 1 == sets_.size()) {
            verdict.reason = problem;
            co_return verdict;
        }
        verdict.oldest_pass = static_cast<unsigned>(i) + 2;
        break;
    }
    for (std::size_t i = sets_.size(); i-- > 0;) {
        auto const problem = co_await check_seal(i);
        if (problem.empty()) continue;
        verdict.reason = problem;
        co_return verdict;
    }
    verdict.result = Result::pass;
    verdict.reason = "sealed by " + verdict.sealers.back();
    verdict.last_results = sets_.back().results->value();
    for (auto const& set : sets_) {
        auto value = set.results->value();
        value.erase(0, instance_text(value).end + 1);  // i=, which instance_of() has seen
        verdict.results.push_back(std::move(value));
    }
    co_return verdict;
}

Sealer::Sealer(dkim::SigningKey key, mail::HeaderSection const& header, WallTime now)
    : key_(std::move(key)),
      header_(header),
      now_(now),
      body_(dkim::Canonical::relaxed, std::nullopt) {}

void Sealer::body(std::string_view piece) {
    body_.update(piece);
}

dawk::Result<std::string> Sealer::finish(Verdict const& chain, std::string authserv_id,
                                         std::string results) {
    // The structure as it stands; a chain that is broken is sealed alone, by its last set (§5.1.2).
    Verifier existing(header_, dkim::Options());
    bool const failed = chain.result == Result::fail;
    bool const closed = existing.problem_.find("sealed as failed") != std::string::npos;
    auto const instance = existing.sets_.size() + 1;
    if (instance > sets_max || closed) return std::string();
    auto const i = std::to_string(instance);
    auto const seconds = std::to_string(to_millis(now_) / 1000);
    auto const algorithm = std::string(dkim::to_string(key_.key->kind() == crypto::KeyKind::rsa
                                                           ? dkim::Algorithm::rsa_sha256
                                                           : dkim::Algorithm::ed25519_sha256));
    auto const who = "; d=" + key_.domain + "; s=" + key_.selector + "; t=" + seconds + ";";
    auto const aar =
        "ARC-Authentication-Results: i=" + i + "; " + authserv_id + "; " + results + "\r\n";
    std::string names;
    std::vector<std::string> list;
    for (auto const& name : key_.oversigned) list.insert(list.end(), header_.count(name), name);
    for (auto const& name : key_.fields) list.insert(list.end(), header_.count(name), name);
    list.insert(list.end(), header_.count("DKIM-Signature"), "DKIM-Signature");
    for (auto const& name : list) names += (names.empty() ? "" : ":\r\n\t ") + name;
    std::string ams = "ARC-Message-Signature: i=" + i + "; a=" + algorithm + "; c=relaxed/relaxed" +
                      who + "\r\n\tbh=" + base64::encode(body_.finish()) + ";\r\n\th=" + names +
                      ";\r\n\tb=";
    DAWK_TRY(auto const ams_value,
             key_.key->sign_digest(dkim::header_digest(header_, list, dkim::Canonical::relaxed, ams,
                                                       crypto::Hash::sha256)));
    ams += base64::encode(ams_value) + "\r\n";
    std::string seal = "ARC-Seal: i=" + i + "; a=" + algorithm + "; cv=" +
                       (failed          ? "fail"
                        : instance == 1 ? "none"
                                        : "pass") +
                       who + "\r\n\tb=";
    auto const own_aar = mail::HeaderSection::parse(aar, mail::HeaderLimits{1U << 20U, 1});
    auto const own_ams = mail::HeaderSection::parse(ams, mail::HeaderLimits{1U << 20U, 1});
    if (!own_aar || !own_ams || own_aar->empty() || own_ams->empty()) return Errc::bad_syntax;
    std::vector<Verifier::Set> sets;
    if (!failed) sets = std::move(existing.sets_);
    sets.emplace_back();
    sets.back().results = (*own_aar)[0];
    sets.back().message_signature = (*own_ams)[0];
    DAWK_TRY(auto const value,
             key_.key->sign_digest(Verifier::seal_digest(sets, sets.size(), seal)));
    return seal + base64::encode(value) + "\r\n" + ams + aar;
}

}  // namespace dawk::arc
