// Directory: who has a mailbox here, which names stand for others, and who may log in.
//
//     auto found = co_await directory.find(address);   // at RCPT, for a domain that is ours
//
// find() resolves in this order: exact user, exact alias, the user or alias without "+subaddress",
// postmaster (every local domain has one: RFC 5321 §4.5.1; without a user or alias it goes to the
// configured postmaster, and without that to a mailbox of its own), the domain's catch-all, and
// else unknown. Aliases are followed through local domains up to a depth of 10, loops are cut,
// targets that are unknown or disabled here are left out; the result is flat, without duplicates.
//
// Names of ours are compared without regard to (ASCII) case: RFC 5321 §2.4 leaves that to the host
// that owns them. They are kept in lower case, domains as A-labels. Targets elsewhere keep their
// case. A user's name holds no "/" and begins with no ".": it may become part of a path. Engines:
// MemDirectory, directory_sqlite::SqliteDirectory. One contract test for both.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dawk/crypto/password.hpp"
#include "dawk/mail/address.hpp"
#include "dawk/rt/task.hpp"

namespace dawk::directory {

struct Found {
    enum class Kind {
        mailbox,   // deliver to target (one address: the user's, subaddress removed into `detail`)
        alias,     // goes on to targets, local or not, already flat
        unknown,   // 550 5.1.1
        disabled,  // 550 5.2.1
    };
    Kind kind = Kind::unknown;
    std::vector<mail::Address> targets;
    std::string detail;  // what followed "+", for a mailbox
};

struct User {
    mail::Address address;
    bool disabled = false;
};
struct Alias {
    mail::Address address;  // local part "*": the catch-all of its domain
    std::vector<mail::Address> targets;
};

enum class LoginResult { ok, bad_credentials, disabled, unavailable };

class Directory {
  public:
    virtual ~Directory() = default;

    virtual Task<Result<bool>> has_domain(std::string domain) = 0;
    virtual Task<Result<Found>> find(mail::Address address) = 0;
    // Same time for an unknown user as for a wrong password (RFC 4954 §9). Blocks a thread of the
    // pool, not the shard. name: full address; a bare local part is completed by nobody.
    virtual Task<Result<LoginResult>> login(std::string name, std::string password) = 0;

    // Keys for SCRAM-SHA-256; for a name that cannot log in, keys that nobody can prove and that
    // look as real (RFC 5802 §9). After a good proof ask may_log_in(): it tells disabled from ok.
    virtual Task<Result<crypto::ScramKeys>> scram_keys(std::string name) = 0;
    virtual Task<Result<LoginResult>> may_log_in(std::string name) = 0;

    // Names in any case. Errors: not_found, exists, conflict, bad_syntax, and those of storage.
    virtual Task<Result<void>> add_domain(std::string domain) = 0;     // exists
    virtual Task<Result<void>> remove_domain(std::string domain) = 0;  // conflict: users or aliases
    virtual Task<Result<std::vector<std::string>>> domains() = 0;      // sorted, as A-labels
    // not_found: no such domain; exists: a user or alias of that name.
    virtual Task<Result<void>> add_user(mail::Address address, std::string password) = 0;
    virtual Task<Result<void>> set_password(mail::Address address, std::string password) = 0;
    virtual Task<Result<void>> set_disabled(mail::Address address, bool disabled) = 0;
    virtual Task<Result<void>> remove_user(mail::Address address) = 0;
    virtual Task<Result<std::vector<User>>> users(std::string domain) = 0;  // "" for all; sorted
    virtual Task<Result<void>> add_alias(Alias alias) = 0;  // as add_user; too_many targets
    virtual Task<Result<void>> remove_alias(mail::Address address) = 0;
    virtual Task<Result<std::vector<Alias>>> aliases(std::string domain) = 0;
};

}  // namespace dawk::directory
