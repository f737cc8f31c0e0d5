#include "dawk/dkim/sign.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/dkim/verify.hpp"

namespace dawk::dkim {

// RFC 6376 §5.4.1, the list fields of RFC 2369, 2919, 8058 among them.
std::vector<std::string> SigningKey::default_fields() {
    return {"Sender",
            "Reply-To",
            "In-Reply-To",
            "References",
            "Resent-From",
            "Resent-To",
            "Resent-Date",
            "Resent-Message-ID",
            "List-Id",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "List-Post",
            "Content-Transfer-Encoding",
            "Auto-Submitted"};
}

std::vector<std::string> SigningKey::default_oversigned() {
    return {"From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"};
}

Signer::Signer(std::vector<SigningKey> keys, mail::HeaderSection const& header, WallTime now)
    : keys_(std::move(keys)), header_(header), now_(now) {
    for (auto const& key : keys_) {
        bool const known = std::any_of(bodies_.begin(), bodies_.end(), [&](auto const& body) {
            return body.form == key.body_form;
        });
        if (!known)
            bodies_.push_back(Body{key.body_form, BodyHash(key.body_form, std::nullopt), {}});
    }
}

void Signer::body(std::string_view piece) {
    for (auto& body : bodies_) body.state.update(piece);
}

namespace {

// h= of a key for this header: each field as often as it occurs, over-signed ones once more.
std::vector<std::string> names_to_sign(SigningKey const& key, mail::HeaderSection const& header) {
    std::vector<std::string> names;
    auto const is_oversigned = [&](std::string const& name) {
        return std::any_of(key.oversigned.begin(), key.oversigned.end(),
                           [&](auto const& other) { return ascii::iequals(name, other); });
    };
    auto const add = [&](std::string const& name, bool once_more) {
        names.insert(names.end(), header.count(name) + (once_more ? 1 : 0), name);
    };
    if (!is_oversigned("From")) add("From", true);
    for (auto const& name : key.oversigned) add(name, true);
    for (auto const& name : key.fields) {
        if (!is_oversigned(name) && !ascii::iequals(name, "From")) add(name, false);
    }
    return names;
}

// Text folded behind one of `at`, so that no line passes 76 octets where that can be.
std::string folded(std::string_view text, std::string_view at, std::size_t used) {
    std::string out;
    while (!text.empty()) {
        auto const end = std::min(at.empty() ? 64 : text.find_first_of(at), text.size() - 1) + 1;
        auto const piece = text.substr(0, std::min(end, text.size()));
        if (used + piece.size() > 76) {
            out += "\r\n\t";
            used = 1;
        }
        out += piece;
        used += piece.size();
        text.remove_prefix(piece.size());
    }
    return out;
}

std::string joined(std::vector<std::string> const& names) {
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : ":") + name;
    return out;
}

}  // namespace

Unsigned::Part Signer::part_of(SigningKey const& key) const {
    auto const body = std::find_if(bodies_.begin(), bodies_.end(),
                                   [&](auto const& b) { return b.form == key.body_form; });
    DAWK_CHECK(body != bodies_.end());
    auto const names = names_to_sign(key, header_);
    auto const seconds = to_millis(now_) / 1000;
    auto const algorithm =
        key.key->kind() == crypto::KeyKind::rsa ? Algorithm::rsa_sha256 : Algorithm::ed25519_sha256;
    std::string field = "DKIM-Signature: v=1; a=" + std::string(to_string(algorithm)) +
                        "; c=" + std::string(to_string(key.header_form)) + "/" +
                        std::string(to_string(key.body_form)) + ";\r\n\td=" + key.domain +
                        "; s=" + key.selector + ";\r\n\tt=" + std::to_string(seconds) + ";";
    if (key.valid_for) field += " x=" + std::to_string(seconds + key.valid_for->count()) + ";";
    if (!key.identity.empty()) field += " i=" + key.identity + ";";
    field += "\r\n\th=" + folded(joined(names), ":", 3) + ";";
    field += "\r\n\tbh=" + base64::encode(body->digest) + ";\r\n\tb=";
    auto digest = header_digest(header_, names, key.header_form, field, crypto::Hash::sha256);
    return {key.key, std::move(digest), std::move(field), key.domain + "/" + key.selector};
}

Unsigned Signer::prepare() {
    for (auto& body : bodies_) body.digest = body.state.finish();
    Unsigned out;
    for (auto const& key : keys_) out.parts_.push_back(part_of(key));
    return out;
}

dawk::Result<std::string> Unsigned::sign() const {
    std::string out;
    for (auto const& part : parts_) {
        DAWK_TRY(auto const signature, part.key->sign_digest(part.digest));
        out += part.field;
        out += folded(base64::encode(signature), "", 3) + "\r\n";
    }
    return out;
}

std::string Unsigned::names() const {
    std::string out;
    for (auto const& part : parts_) out += (out.empty() ? "" : ", ") + part.name;
    return out;
}

std::string key_record(crypto::PrivateKey const& key) {
    return std::string("v=DKIM1; k=") + (key.kind() == crypto::KeyKind::rsa ? "rsa" : "ed25519") +
           "; p=" + base64::encode(key.public_der());
}

}  // namespace dawk::dkim
