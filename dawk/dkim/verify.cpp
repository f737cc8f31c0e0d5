#include "dawk/dkim/verify.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/dkim/tags.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::dkim {

Usable<KeyRecord> const& KeyCache::get(std::string const& text, Algorithm algorithm) {
    auto& keys = keys_[static_cast<std::size_t>(algorithm)];
    auto const found = keys.find(text);
    if (found != keys.end()) return found->second;
    if (keys.size() >= max_) keys.clear();
    return keys.emplace(text, parse_key(text, algorithm)).first->second;
}

namespace {

// Each naming of a field takes the next one of that name from the bottom (§5.4.2). The signature
// field itself is none of them (§5.4: not in its own h=), even where h= names more of its kind than
// there were when it was made.
class FieldPicker {
  public:
    FieldPicker(mail::HeaderSection const& header, std::string_view own) {
        fields_.reserve(header.size());
        for (auto const field : header) {
            bool const is_own = field.raw.data() == own.data();
            fields_.push_back({field, mark(field.name), is_own});
        }
    }
    // Null beyond the last.
    mail::HeaderField const* take(std::string_view name) {
        auto const wanted = mark(name);
        for (auto at = fields_.rbegin(); at != fields_.rend(); ++at) {
            if (at->mark != wanted || at->is_taken || !at->field.is(name)) continue;
            at->is_taken = true;
            return &at->field;
        }
        return nullptr;
    }

  private:
    struct Entry {
        mail::HeaderField field;
        std::size_t mark;
        bool is_taken;
    };
    // Nearly always another one for another name, and much cheaper to compare.
    static std::size_t mark(std::string_view name) {
        if (name.empty()) return 0;
        auto const octet = [](char c) {
            return static_cast<std::size_t>(static_cast<unsigned char>(ascii::lower(c)));
        };
        return name.size() << 16U | octet(name.front()) << 8U | octet(name.back());
    }
    std::vector<Entry> fields_;
};

}  // namespace

std::string header_digest(mail::HeaderSection const& header, std::vector<std::string> const& fields,
                          Canonical form, std::string_view signature_field, crypto::Hash hash) {
    FieldPicker picker(header, signature_field);
    std::string text;
    text.reserve(header.block().size() + signature_field.size());
    for (auto const& name : fields) {
        if (auto const* field = picker.take(name)) append_canonical_field(*field, form, text);
    }
    auto const bare = without_signature_value(signature_field);
    std::string_view own = bare;
    if (own.ends_with("\r\n")) own.remove_suffix(2);
    auto const colon = std::min(own.find(':'), own.size() - 1);
    append_canonical_field({own.substr(0, colon), own.substr(colon + 1), own}, form, text);
    text.resize(text.size() - 2);  // without the trailing CRLF (§3.7)
    return crypto::digest(hash, text);
}

namespace {

constexpr std::size_t name_max = 253;

crypto::Hash hash_of(Algorithm algorithm) {
    return algorithm == Algorithm::rsa_sha1 ? crypto::Hash::sha1 : crypto::Hash::sha256;
}

// What can be told of a signature that cannot be used: whose it says it is.
void describe(std::string_view body, Verdict& verdict) {
    auto const tags = TagList::parse(body);
    if (!tags) return;
    auto const text = [&](char const* name) { return without_space(tags->get(name).value_or("")); };
    verdict.b_prefix = text("b").substr(0, 8);
    verdict.domain = ascii::to_lower(text("d")).substr(0, name_max);
    verdict.selector = ascii::to_lower(text("s")).substr(0, name_max);
}

}  // namespace

Verifier::Verifier(mail::HeaderSection const& header, Options options) : options_(options) {
    if (options_.keys == nullptr) options_.keys = &own_keys_;
    auto const found = header.find("DKIM-Signature");
    items_.reserve(found.size());
    for (auto const& field : found) add(header, field);
}

std::size_t Verifier::body_for(Signature const& signature) {
    auto const hash = hash_of(signature.algorithm);
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
        auto const& body = bodies_[i];
        if (body.form == signature.body_form && body.length == signature.length &&
            body.hash == hash)
            return i;
    }
    bodies_.push_back(Body{signature.body_form,
                           signature.length,
                           hash,
                           BodyHash(signature.body_form, signature.length, hash),
                           {}});
    return bodies_.size() - 1;
}

void Verifier::add(mail::HeaderSection const& header, mail::HeaderField const& field) {
    Item item;
    auto& verdict = item.verdict;
    auto parsed = parse_signature(field.body);
    if (!parsed) {
        describe(field.body, verdict);
        verdict.result = parsed.error().result;
        verdict.reason = parsed.error().reason;
        items_.push_back(std::move(item));
        return;
    }
    item.signature = std::move(*parsed);
    auto const& signature = item.signature;
    verdict.b_prefix = base64::encode(signature.value.substr(0, 6));  // 8 characters of b=
    verdict.domain = signature.domain;
    verdict.selector = signature.selector;
    verdict.identity = signature.identity;
    verdict.algorithm = to_string(signature.algorithm);
    verdict.signs_length = signature.length.has_value();
    auto const refuse = [&](Result result, std::string reason) {
        verdict.result = result;
        verdict.reason = std::move(reason);
    };
    auto const now = to_millis(options_.now) / 1000;
    if (open_ >= options_.signatures_max) {
        refuse(Result::policy, "more signatures than are looked at");
    } else if (signature.algorithm == Algorithm::rsa_sha1) {
        refuse(Result::policy, "rsa-sha1 proves nothing any more (RFC 8301)");
    } else if (signature.expires_at && *signature.expires_at + options_.clock_skew.count() < now) {
        refuse(Result::fail, "the signature has expired");
    } else if (signature.signed_at && *signature.signed_at - options_.clock_skew.count() > now) {
        refuse(Result::fail, "the signature was made in the future");
    } else {
        item.open = true;
        ++open_;
        item.body = body_for(signature);
        item.header_digest = header_digest(header, signature.fields, signature.header_form,
                                           field.raw, hash_of(signature.algorithm));
    }
    verdict.fields = std::move(item.signature.fields);
    items_.push_back(std::move(item));
}

void Verifier::body(std::string_view piece) {
    for (auto& body : bodies_) body.state.update(piece);
}

void Verifier::judge(Item& item, KeyRecord const& key) {
    auto& verdict = item.verdict;
    auto const& signature = item.signature;
    verdict.testing = key.testing;
    verdict.key_bits = key.key.bits();
    auto const& body = bodies_[item.body];
    verdict.covers_body = body.state.covers_all();
    auto const identity_domain = signature.identity.substr(signature.identity.rfind('@') + 1);
    if (key.strict_identity && !ascii::iequals(identity_domain, signature.domain)) {
        verdict.result = Result::permerror;
        verdict.reason = "the key allows no subdomain in i=";
    } else if (signature.length && *signature.length > body.state.canonical_size()) {
        verdict.result = Result::permerror;  // §3.5: l= must not be greater than the body
        verdict.reason = "l= is longer than the body";
    } else if (!crypto::equal(body.digest, signature.body_hash)) {
        verdict.result = Result::fail;
        verdict.failure = "bodyhash";
        verdict.reason = "the body was changed";
    } else if (!key.key.verify_digest(item.header_digest, signature.value)) {
        verdict.result = Result::fail;
        verdict.failure = "signature";
        verdict.reason = "a signed field was changed, or the key is another";
    } else {
        verdict.result = Result::pass;
        verdict.reason = verdict.covers_body
                             ? "good signature"
                             : "good signature, but l= leaves the end of the body open";
    }
}

dns::Inquiry<int> Verifier::look_up(Item& item) {
    auto const domain = mail::to_a_labels(item.signature.domain);
    auto const selector = mail::to_a_labels(item.signature.selector);
    auto& verdict = item.verdict;
    verdict.result = Result::permerror;
    if (!domain || !selector) {
        verdict.reason = "d= or s= is no domain name";
        co_return 0;
    }
    dns::Question const question{*selector + "._domainkey." + *domain, dns::Type::txt};
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) {
        verdict.result = Result::temperror;
        verdict.reason = "DNS TXT of " + question.name + ": " + dns::to_string(answer.status);
        co_return 0;
    }
    verdict.reason = "no key at " + question.name;
    // Several records are undefined (§3.6.2.2): the first that can be used counts.
    for (auto const& text : answer.texts) {
        auto const& key = options_.keys->get(text, item.signature.algorithm);
        if (key) {
            judge(item, *key);
            co_return 0;
        }
        verdict.result = key.error().result;
        verdict.reason = key.error().reason;
        if (verdict.reason == key_revoked) verdict.failure = "revoked";
    }
    co_return 0;
}

dns::Inquiry<std::vector<Verdict>> Verifier::finish() {
    for (auto& body : bodies_) body.digest = body.state.finish();
    std::vector<Verdict> verdicts;
    verdicts.reserve(items_.size());
    for (auto& item : items_) {
        if (item.open) {
            auto const done = co_await look_up(item);
            (void)done;
        }
        verdicts.push_back(std::move(item.verdict));
    }
    co_return verdicts;
}

}  // namespace dawk::dkim
