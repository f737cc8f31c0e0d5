#include "dawk/directory_sqlite/sqlite_directory.hpp"

#include "dawk/crypto/hash.hpp"
#include "dawk/directory_sqlite/lru.hpp"

namespace dawk::directory_sqlite {

using directory::Alias;
using directory::Found;
using directory::LoginResult;
using directory::User;

namespace {

// An answer and the state of the database it is at least as new as.
template <class T>
struct Dated {
    T value;
    std::uint64_t generation;
};

template <class F>
auto dated(Database& database, F query)
    -> Result<Dated<typename std::invoke_result_t<F>::value_type>> {
    DAWK_TRY(auto const generation, database.look_for_changes());
    auto value = query();
    if (!value) return value.error();
    return Dated<typename std::invoke_result_t<F>::value_type>{*std::move(value), generation};
}

// No local part or domain holds a NUL.
std::string key_of(mail::Address const& address) {
    std::string key;
    key.reserve(address.local.size() + 1 + address.domain.size());
    key += address.local;
    key += '\0';
    key += address.domain;
    return key;
}

}  // namespace

struct SqliteDirectory::Memory {
    explicit Memory(std::size_t size_max) : domains(size_max), addresses(size_max) {}
    Lru<bool> domains;
    Lru<Found> addresses;
};

SqliteDirectory::SqliteDirectory(std::shared_ptr<Database> database, rt::WorkPool& pool,
                                 rt::Clock& clock, Options options)
    : database_(std::move(database)),
      pool_(pool),
      clock_(clock),
      options_(std::move(options)),
      decoy_(std::make_shared<crypto::PasswordRecord const>(
          crypto::PasswordRecord::decoy(options_.cost))),
      memory_(std::make_unique<Memory>(options_.remembered)) {}

SqliteDirectory::~SqliteDirectory() = default;

bool SqliteDirectory::is_fresh() {
    return looked_ && clock_.steady() - *looked_ < options_.look_every;
}

void SqliteDirectory::note_generation(std::uint64_t generation) {
    if (generation <= generation_) return;
    memory_->domains.clear();
    memory_->addresses.clear();
    generation_ = generation;
}

// Makes sure that what is remembered was true not longer than look_every ago.
Task<Result<void>> SqliteDirectory::look() {
    note_generation(database_->generation());
    if (is_fresh()) co_return Result<void>();
    SteadyTime const begun = clock_.steady();
    auto job = [database = database_] { return database->look_for_changes(); };
    auto const generation = co_await rt::offload(pool_, job);
    if (!generation) co_return generation.error();
    note_generation(*generation);
    looked_ = begun;
    co_return Result<void>();
}

Task<Result<bool>> SqliteDirectory::has_domain(std::string domain) {
    auto const looked = co_await look();
    if (!looked) co_return failure(looked.error());
    if (bool const* known = memory_->domains.find(domain)) co_return *known;
    ++asked_;
    auto job = [database = database_, domain] {
        return dated(*database, [&] { return database->has_domain(domain); });
    };
    auto const answer = co_await rt::offload(pool_, job);
    if (!answer) co_return failure(answer.error());
    note_generation(answer->generation);
    if (answer->generation == generation_) memory_->domains.put(std::move(domain), answer->value);
    co_return answer->value;
}

Task<Result<Found>> SqliteDirectory::find(mail::Address address) {
    auto const looked = co_await look();
    if (!looked) co_return looked.error();
    std::string key = key_of(address);
    if (Found const* known = memory_->addresses.find(key)) co_return *known;
    ++asked_;
    auto job = [database = database_, address = std::move(address),
                postmaster = options_.postmaster] {
        return dated(*database, [&] { return database->find(address, postmaster); });
    };
    auto const answer = co_await rt::offload(pool_, job);
    if (!answer) co_return answer.error();
    note_generation(answer->generation);
    if (answer->generation == generation_) memory_->addresses.put(std::move(key), answer->value);
    co_return answer->value;
}

namespace {

struct LoginJob {
    std::shared_ptr<Database> database;
    std::shared_ptr<crypto::PasswordRecord const> decoy;
    crypto::PasswordCost cost;
    std::string name;
    std::shared_ptr<std::string> secret;  // shared, so that there is one copy to wipe

    Result<LoginResult> operator()() {
        auto result = verify(*secret);
        crypto::wipe(*secret);
        return result;
    }

    Result<LoginResult> verify(std::string const& password) {
        DAWK_TRY(auto const found, database->login(name));
        if (!found) {
            static_cast<void>(decoy->verify(password));
            return LoginResult::bad_credentials;
        }
        DAWK_TRY(auto const record, crypto::PasswordRecord::parse(found->record));
        if (!record.verify(password)) return LoginResult::bad_credentials;
        if (found->disabled) return LoginResult::disabled;
        if (record.weaker_than(cost)) strengthen(*found, password);
        return LoginResult::ok;
    }

    // The password is known now, so its record can be made as strong as new ones are. The login
    // does not depend on it.
    void strengthen(Database::Login const& found, std::string const& password) {
        auto const record = crypto::PasswordRecord::make(password, cost);
        if (!record) return;
        static_cast<void>(database->replace_password(found.address, found.record, *record));
    }
};

}  // namespace

Task<Result<LoginResult>> SqliteDirectory::login(std::string name, std::string password) {
    auto secret = std::make_shared<std::string>(std::move(password));
    LoginJob job{database_, decoy_, options_.cost, std::move(name), std::move(secret)};
    co_return co_await rt::offload(pool_, std::move(job));
}

Task<Result<crypto::ScramKeys>> SqliteDirectory::scram_keys(std::string name) {
    auto job = [database = database_, name = std::move(name),
                iterations = options_.cost.scram_iterations]() -> Result<crypto::ScramKeys> {
        auto const decoy = crypto::ScramKeys::decoy(database->decoy_secret(), name, iterations);
        DAWK_TRY(auto const found, database->login(name));
        if (!found) return decoy;
        DAWK_TRY(auto const record, crypto::PasswordRecord::parse(found->record));
        return record.scram();
    };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<LoginResult>> SqliteDirectory::may_log_in(std::string name) {
    auto job = [database = database_, name = std::move(name)]() -> Result<LoginResult> {
        DAWK_TRY(auto const found, database->login(name));
        if (!found) return LoginResult::bad_credentials;
        return found->disabled ? LoginResult::disabled : LoginResult::ok;
    };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::add_domain(std::string domain) {
    auto job = [database = database_, domain] { return database->add_domain(domain); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::remove_domain(std::string domain) {
    auto job = [database = database_, domain] { return database->remove_domain(domain); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<std::vector<std::string>>> SqliteDirectory::domains() {
    auto job = [database = database_] { return database->domains(); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::add_user(mail::Address address, std::string password) {
    auto job = [database = database_, cost = options_.cost, address, password]() -> Result<void> {
        DAWK_TRY(auto const record, crypto::PasswordRecord::make(password, cost));
        return database->add_user(address, record);
    };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::set_password(mail::Address address, std::string password) {
    auto job = [database = database_, cost = options_.cost, address, password]() -> Result<void> {
        DAWK_TRY(auto const record, crypto::PasswordRecord::make(password, cost));
        return database->set_password(address, record);
    };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::set_disabled(mail::Address address, bool disabled) {
    auto job = [database = database_, address, disabled] {
        return database->set_disabled(address, disabled);
    };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::remove_user(mail::Address address) {
    auto job = [database = database_, address] { return database->remove_user(address); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<std::vector<User>>> SqliteDirectory::users(std::string domain) {
    auto job = [database = database_, domain] { return database->users(domain); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::add_alias(Alias alias) {
    auto job = [database = database_, alias] { return database->add_alias(alias); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<void>> SqliteDirectory::remove_alias(mail::Address address) {
    auto job = [database = database_, address] { return database->remove_alias(address); };
    co_return co_await rt::offload(pool_, job);
}

Task<Result<std::vector<Alias>>> SqliteDirectory::aliases(std::string domain) {
    auto job = [database = database_, domain] { return database->aliases(domain); };
    co_return co_await rt::offload(pool_, job);
}

}  // namespace dawk::directory_sqlite
