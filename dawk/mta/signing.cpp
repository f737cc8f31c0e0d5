#include "dawk/mta/signing.hpp"

#include <algorithm>
#include <set>

#include "dawk/base/ascii.hpp"
#include "dawk/dkim/tags.hpp"
#include "dawk/dmarc/dmarc.hpp"
#include "dawk/mail/idna.hpp"

namespace dawk::mta {
namespace {

std::string normal(std::string const& domain) {
    auto const converted = mail::to_a_labels(domain);
    return ascii::to_lower(converted ? *converted : domain);
}

bool covers(SigningRight const& right, std::string const& author) {
    return right.any ||
           std::any_of(right.domains.begin(), right.domains.end(),
                       [&](std::string const& domain) { return normal(domain) == author; });
}

std::string_view body_of(std::string_view content, mail::HeaderSection const& header) {
    return content.substr(std::min<std::uint64_t>(header.body_offset(), content.size()));
}

}  // namespace

void Signing::add(dkim::SigningKey key) {
    key.domain = ascii::to_lower(key.domain);
    auto& keys = keys_[key.domain];
    keys.push_back(std::move(key));
}

std::vector<dkim::SigningKey> const* Signing::keys_for(std::string_view domain) const {
    for (;;) {
        auto const found = keys_.find(domain);
        if (found != keys_.end()) return &found->second;
        auto const dot = domain.find('.');
        if (dot == domain.npos) return nullptr;
        domain.remove_prefix(dot + 1);
    }
}

std::unique_ptr<dkim::Signer> Signing::begin(mail::HeaderSection const& header,
                                             SigningRight const& right, WallTime now) const {
    if (keys_.empty()) return nullptr;
    auto const authors = dmarc::author_domains(header);
    if (!authors.problem.empty() || authors.domains.size() != 1) return nullptr;
    auto const& author = authors.domains.front();
    if (!covers(right, author)) return nullptr;
    auto const* keys = keys_for(author);
    return keys == nullptr ? nullptr : std::make_unique<dkim::Signer>(*keys, header, now);
}

Task<Result<std::string>> sign(rt::WorkPool& pool, dkim::Unsigned what) {
    auto job = [what = std::move(what)] { return what.sign(); };
    co_return co_await rt::offload(pool, std::move(job));
}

Task<Result<std::string>> sign_own(rt::WorkPool& pool, std::shared_ptr<Signing const> signing,
                                   std::string_view content, WallTime now) {
    Result<std::string> fields = std::string();
    if (!signing) co_return fields;
    auto const header = mail::HeaderSection::parse(content);
    if (!header) co_return fields;
    SigningRight right;
    right.any = true;
    auto const signer = signing->begin(*header, right, now);
    if (!signer) co_return fields;
    signer->body(body_of(content, *header));
    auto prepared = signer->prepare();
    fields = co_await sign(pool, std::move(prepared));
    co_return fields;
}

std::string sign_again(Signing const* signing, std::string_view trace, std::string_view content,
                       WallTime now) {
    auto const ours = mail::HeaderSection::parse(trace);
    if (!ours || !ours->has("DKIM-Signature")) return std::string(trace);
    std::string out = ours->block_without({"DKIM-Signature"});
    auto const header = mail::HeaderSection::parse(content);
    if (signing == nullptr || !header) return out;
    std::set<std::string> domains;
    for (auto const& field : ours->find("DKIM-Signature")) {
        auto const signature = dkim::parse_signature(field.body);
        if (signature) domains.insert(signature->domain);
    }
    for (auto const& domain : domains) {
        auto const* keys = signing->keys_for(domain);
        if (keys == nullptr || keys->front().domain != domain) continue;
        dkim::Signer signer(*keys, *header, now);
        signer.body(body_of(content, *header));
        // A token that fails now leaves the message unsigned; a signature that does not hold would
        // look like a forgery.
        if (auto const fields = signer.finish()) out += *fields;
    }
    return out;
}

}  // namespace dawk::mta
