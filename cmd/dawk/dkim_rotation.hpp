// When a DKIM key gives way to the next: pure decisions over what is kept and what DNS says.
//
//     for (auto const& step : plan(keys, dns, now, rule)) ...
//
// The next key is made when the active one is old; it signs once DNS shows its record; the record
// of the one before stays until nothing it signed can be under way. Each algorithm goes its own
// way. Standards: RFC 6376 §3.1 (change of keys by selectors), §C.3.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cmd/dawk/dkim_store.hpp"

namespace dawk::cmd {

// What DNS says of one key.
struct Published {
    enum class Kind {
        right,    // with this record the key's signatures verify
        missing,  // no record
        wrong,    // another key, a revoked one, one that cannot be used, several
        unknown,  // DNS did not answer
    };
    Kind kind = Kind::unknown;
    std::string reason;  // in words
};
std::string_view to_string(Published::Kind kind) noexcept;
// texts: the TXT records of the key's name. Tries the published key with the private one.
Published judge_published(std::vector<std::string> const& texts, crypto::PrivateKey const& key);

struct RotationRule {
    std::int64_t every_seconds = 180LL * 24 * 3600;
    std::int64_t keep_seconds = 14LL * 24 * 3600;
};

struct RotationStep {
    enum class What {
        create,    // a key of this kind and size; its record is to be published
        activate,  // this key signs from now on
        retire,    // this key does not, from now on
        remove,    // forget this key; its record may go
        wait,      // nothing yet; reason says for what
    };
    What what = What::wait;
    std::string selector;  // "" for create
    crypto::KeyKind kind = crypto::KeyKind::rsa;
    unsigned bits = 0;
    std::string reason;
};
std::string_view to_string(RotationStep::What what) noexcept;

// dns: by selector, for every key that is new.
std::vector<RotationStep> plan(std::vector<StoredKey> const& keys,
                               std::map<std::string, Published> const& dns, std::int64_t now,
                               RotationRule const& rule);

// A selector that says the kind and the day: "r20261122", "e20261122b". taken: those there are.
std::string new_selector(crypto::KeyKind kind, std::int64_t now,
                         std::vector<StoredKey> const& taken);
// "2026-11-22"
std::string day_of(std::int64_t seconds);

// One record as a zone file has it, its text in strings of 255 octets at most.
std::string zone_line(std::string const& name, std::string const& record);
std::vector<std::string> strings_of(std::string const& record);

}  // namespace dawk::cmd
