#include "dawk/sim/policies.hpp"

#include "dawk/base/base64.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::sim {
namespace {

constexpr char const* selector = "s1";

// Ed25519, whose signatures need no chance: a key for each domain, out of its name.
crypto::PrivateKey key_of(std::string const& domain) {
    std::string octets("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);
    SeededRng rng(domain.size());
    for (char const c : domain) rng = SeededRng(rng.next() + static_cast<unsigned char>(c));
    for (int i = 0; i < 32; ++i) octets += static_cast<char>(rng.below(256));
    auto const key =
        crypto::PrivateKey::from_pem(std::string("-----BEGIN ") + "PRIVATE KEY-----\n" +
                                     base64::encode(octets) + "\n-----END " + "PRIVATE KEY-----\n");
    DAWK_CHECK(key.has_value());
    return *key;
}

}  // namespace

void publish_policies(Zone& zone, std::string const& domain, std::string const& address) {
    zone.add_txt(domain, "v=spf1 ip4:" + address + " -all");
    zone.add_txt("_dmarc." + domain, "v=DMARC1; p=reject");
    zone.add_txt(std::string(selector) + "._domainkey." + domain,
                 "v=DKIM1; k=ed25519; p=" + base64::encode(key_of(domain).public_der()));
}

std::shared_ptr<mta::Signing const> signing_for(std::string const& domain) {
    dkim::SigningKey key;
    key.domain = domain;
    key.selector = selector;
    key.key = std::make_shared<crypto::PrivateKey const>(key_of(domain));
    auto signing = std::make_shared<mta::Signing>();
    signing->add(std::move(key));
    return signing;
}

void publish_odd_policies(Zone& zone, std::string const& domain, SeededRng& rng) {
    static constexpr char const* senders[] = {"-all",           "~all",           "include:spf.%",
                                              "include:% -all", "exists:%{i}.%{", "a mx ptr -all"};
    static constexpr char const* wishes[] = {"none", "quarantine", "reject", "reject; pct=50",
                                             "everything"};
    auto const in_domain = [&](std::string text) {
        for (auto at = text.find("%"); at != text.npos; at = text.find("%", at + 1)) {
            bool const is_macro = at + 1 < text.size() && text[at + 1] == '{';
            if (!is_macro) text.replace(at, 1, domain);
        }
        return text;
    };
    zone.add_txt(domain, "v=spf1 " + in_domain(senders[rng.below(6)]));
    if (rng.chance(0.2)) zone.add_txt(domain, "v=spf1 +all");  // a second one: permerror
    zone.fail("spf." + domain, rng.chance(0.5) ? dns::Status::servfail : dns::Status::timeout);
    zone.add_txt("_dmarc." + domain, std::string("v=DMARC1; p=") + wishes[rng.below(5)]);
}

void choose_actions(mta::AuthSettings& auth, SeededRng& rng) {
    static constexpr char const* mild[] = {"accept", "tag", "quarantine"};
    static constexpr char const* all[] = {"accept", "tag", "quarantine", "reject"};
    auth.actions.spf_fail = all[rng.below(4)];
    auth.actions.spf_softfail = mild[rng.below(3)];
    auth.actions.dmarc_quarantine = mild[rng.below(3)];
    auth.actions.dmarc_reject = all[1 + rng.below(3)];
    auth.dns_failure = rng.chance(0.5) ? "defer" : "accept";
}

}  // namespace dawk::sim
