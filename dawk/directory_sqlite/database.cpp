#include "dawk/directory_sqlite/database.hpp"

#include "dawk/base/ascii.hpp"
#include "dawk/directory/names.hpp"
#include "dawk/directory_sqlite/schema.hpp"

namespace dawk::directory_sqlite {
namespace {

using directory::kept_address;
using directory::kept_domain;

// A name from the database is data from outside: it must still be what we would have stored.
Result<mail::Address> checked(std::string local, std::string domain) {
    if (local.empty() || domain.empty()) return Errc::corrupt;
    for (auto const* text : {&local, &domain})
        for (char const c : *text)
            if (ascii::is_control(c)) return Errc::corrupt;
    return mail::Address{std::move(local), std::move(domain)};
}

Result<bool> has_row(Connection& connection, char const* sql, mail::Address const& address) {
    DAWK_TRY(auto query, connection.query(sql));
    return query.bind(address.domain).bind(address.local).step();
}

Result<bool> has_domain_row(Connection& connection, std::string const& domain) {
    DAWK_TRY(auto query, connection.query("SELECT 1 FROM domain WHERE name = ?"));
    return query.bind(domain).step();
}

// The tables as resolve() asks for them, all within one transaction.
class Tables final : public directory::Names {
  public:
    Tables(Connection& connection, std::set<std::string> const& configured)
        : connection_(connection), configured_(configured) {}

    Result<bool> has_domain(std::string const& domain) override {
        if (configured_.contains(domain)) return true;
        return has_domain_row(connection_, domain);
    }

    Result<UserState> user(mail::Address const& address) override {
        DAWK_TRY(auto query,
                 connection_.query("SELECT disabled FROM user WHERE domain = ? AND local = ?"));
        DAWK_TRY(bool const row, query.bind(address.domain).bind(address.local).step());
        if (!row) return UserState::absent;
        return query.number(0) != 0 ? UserState::disabled : UserState::enabled;
    }

    Result<std::vector<mail::Address>> alias(mail::Address const& address) override {
        DAWK_TRY(auto query, connection_.query("SELECT target_local, target_domain FROM target "
                                               "WHERE domain = ? AND local = ? ORDER BY position"));
        query.bind(address.domain).bind(address.local);
        std::vector<mail::Address> out;
        for (;;) {
            DAWK_TRY(bool const row, query.step());
            if (!row) return out;
            if (out.size() >= directory::alias_targets_max) return Errc::corrupt;
            DAWK_TRY(auto target, checked(query.text(0), query.text(1)));
            out.push_back(std::move(target));
        }
    }

  private:
    Connection& connection_;
    std::set<std::string> const& configured_;
};

Result<void> insert_domain(Connection& connection, std::string const& domain) {
    DAWK_TRY(auto query, connection.query("INSERT INTO domain(name) VALUES (?)"));
    return query.bind(domain).run();
}

// A name for a new user or alias; its domain has a row when this returns.
Result<void> claim(Connection& connection, mail::Address const& address,
                   std::set<std::string> const& configured) {
    DAWK_TRY(bool const domain, has_domain_row(connection, address.domain));
    if (!domain) {
        if (!configured.contains(address.domain)) return Errc::not_found;
        DAWK_TRY_VOID(insert_domain(connection, address.domain));
    }
    DAWK_TRY(bool const user,
             has_row(connection, "SELECT 1 FROM user WHERE domain = ? AND local = ?", address));
    DAWK_TRY(bool const alias,
             has_row(connection, "SELECT 1 FROM alias WHERE domain = ? AND local = ?", address));
    if (user || alias) return Errc::exists;
    return {};
}

// The statement must touch exactly one row.
Result<void> touch_one(Connection& connection, Query& query) {
    DAWK_TRY_VOID(query.run());
    if (connection.changes() != 1) return Errc::not_found;
    return {};
}

Result<std::string> filter_of(std::string const& domain) {
    if (domain.empty()) return std::string();
    return kept_domain(domain);
}

}  // namespace

Database::Database(std::string path) : path_(std::move(path)) {}
Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::open(std::string path) {
    DAWK_TRY_VOID(Connection::create_file(path));
    std::shared_ptr<Database> database(new Database(std::move(path)));
    DAWK_TRY_VOID(database->prepare());
    return database;
}

Result<void> Database::prepare() {
    DAWK_TRY(writer_, Connection::open(path_, Connection::Mode::write));
    DAWK_TRY_VOID(migrate(*writer_));
    DAWK_TRY(watcher_, Connection::open(path_, Connection::Mode::read));
    DAWK_TRY_VOID(look_for_changes());
    DAWK_TRY(auto query, writer_->query("SELECT value FROM secret WHERE name = 'decoy'"));
    DAWK_TRY(bool const row, query.step());
    if (!row || query.text(0).size() != 32) return Errc::corrupt;
    decoy_secret_ = query.text(0);
    return {};
}

void Database::set_configured_domains(std::vector<std::string> const& domains) {
    auto fresh = std::make_shared<DomainSet>();
    for (auto const& domain : domains)
        if (auto const kept = kept_domain(domain)) fresh->insert(*kept);
    std::lock_guard const lock(configured_mutex_);
    configured_ = std::move(fresh);
    ++generation_;
}

std::shared_ptr<Database::DomainSet const> Database::configured() {
    std::lock_guard const lock(configured_mutex_);
    return configured_;
}

Result<std::uint64_t> Database::look_for_changes() {
    std::lock_guard const lock(watcher_mutex_);
    DAWK_TRY(auto query, watcher_->query("PRAGMA data_version"));
    DAWK_TRY(bool const row, query.step());
    if (!row) return Errc::io_error;
    if (auto const now = query.number(0); now != watched_) {
        watched_ = now;
        ++generation_;
    }
    return generation_.load();
}

Result<std::unique_ptr<Connection>> Database::reader() {
    {
        std::lock_guard const lock(readers_mutex_);
        if (!readers_.empty()) {
            auto connection = std::move(readers_.back());
            readers_.pop_back();
            return connection;
        }
    }
    return Connection::open(path_, Connection::Mode::read);
}

void Database::give_back(std::unique_ptr<Connection> connection) {
    constexpr std::size_t kept_max = 16;
    std::lock_guard const lock(readers_mutex_);
    if (readers_.size() < kept_max) readers_.push_back(std::move(connection));
}

// Everything a query reads is of one moment.
template <class F>
auto Database::read(F query) {
    using R = std::invoke_result_t<F, Connection&>;
    auto connection = reader();
    if (!connection) return R(failure(connection.error()));
    auto out = [&]() -> R {
        DAWK_TRY(auto transaction, Transaction::begin(**connection, Connection::Mode::read));
        R result = query(**connection);
        DAWK_TRY_VOID(transaction.commit());
        return result;
    }();
    if (out) give_back(*std::move(connection));
    return out;
}

Result<void> Database::write(std::function<Result<void>(Connection&)> const& change) {
    std::lock_guard const lock(writer_mutex_);
    DAWK_TRY(auto transaction, Transaction::begin(*writer_, Connection::Mode::write));
    DAWK_TRY_VOID(change(*writer_));
    DAWK_TRY_VOID(transaction.commit());
    ++generation_;
    return {};
}

Result<bool> Database::has_domain(std::string const& domain) {
    auto const kept = kept_domain(domain);
    if (!kept) return false;
    if (configured()->contains(*kept)) return true;
    return read([&](Connection& c) { return has_domain_row(c, *kept); });
}

Result<directory::Found> Database::find(mail::Address const& address,
                                        mail::Address const& postmaster) {
    auto const domains = configured();
    return read([&](Connection& c) {
        Tables tables(c, *domains);
        return directory::resolve(tables, address, postmaster);
    });
}

Result<std::optional<Database::Login>> Database::login(std::string const& name) {
    auto const address = directory::login_name(name);
    // The query is made all the same, so that an impossible name takes its time.
    mail::Address const asked = address.value_or(mail::Address{"*", ""});
    return read([&](Connection& c) -> Result<std::optional<Login>> {
        DAWK_TRY(auto query,
                 c.query("SELECT password, disabled FROM user WHERE domain = ? AND local = ?"));
        DAWK_TRY(bool const row, query.bind(asked.domain).bind(asked.local).step());
        if (!row) return std::optional<Login>();
        return std::optional(Login{asked, query.text(0), query.number(1) != 0});
    });
}

Result<void> Database::add_domain(std::string const& domain) {
    DAWK_TRY(std::string const kept, kept_domain(domain));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(bool const there, has_domain_row(c, kept));
        if (there) return Errc::exists;
        return insert_domain(c, kept);
    });
}

Result<void> Database::remove_domain(std::string const& domain) {
    DAWK_TRY(std::string const kept, kept_domain(domain));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto used, c.query("SELECT 1 FROM user WHERE domain = ?1 UNION ALL "
                                    "SELECT 1 FROM alias WHERE domain = ?1 LIMIT 1"));
        DAWK_TRY(bool const in_use, used.bind(kept).step());
        if (in_use) return Errc::conflict;
        DAWK_TRY(auto query, c.query("DELETE FROM domain WHERE name = ?"));
        query.bind(kept);
        return touch_one(c, query);
    });
}

Result<std::vector<std::string>> Database::domains() {
    return read([](Connection& c) -> Result<std::vector<std::string>> {
        DAWK_TRY(auto query, c.query("SELECT name FROM domain ORDER BY name"));
        std::vector<std::string> out;
        for (;;) {
            DAWK_TRY(bool const row, query.step());
            if (!row) return out;
            out.push_back(query.text(0));
        }
    });
}

Result<void> Database::add_user(mail::Address const& address,
                                crypto::PasswordRecord const& password) {
    DAWK_TRY(auto const kept, directory::new_user_name(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY_VOID(claim(c, kept, *configured()));
        DAWK_TRY(auto query, c.query("INSERT INTO user(domain, local, password, disabled) "
                                     "VALUES (?, ?, ?, 0)"));
        return query.bind(kept.domain).bind(kept.local).bind(password.text()).run();
    });
}

Result<void> Database::set_password(mail::Address const& address,
                                    crypto::PasswordRecord const& password) {
    DAWK_TRY(auto const kept, kept_address(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto query,
                 c.query("UPDATE user SET password = ? WHERE domain = ? AND local = ?"));
        query.bind(password.text()).bind(kept.domain).bind(kept.local);
        return touch_one(c, query);
    });
}

Result<void> Database::replace_password(mail::Address const& address, std::string const& old,
                                        crypto::PasswordRecord const& password) {
    DAWK_TRY(auto const kept, kept_address(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto query, c.query("UPDATE user SET password = ? "
                                     "WHERE domain = ? AND local = ? AND password = ?"));
        query.bind(password.text()).bind(kept.domain).bind(kept.local).bind(old);
        return touch_one(c, query);
    });
}

Result<void> Database::set_disabled(mail::Address const& address, bool disabled) {
    DAWK_TRY(auto const kept, kept_address(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto query,
                 c.query("UPDATE user SET disabled = ? WHERE domain = ? AND local = ?"));
        query.bind(std::int64_t{disabled}).bind(kept.domain).bind(kept.local);
        return touch_one(c, query);
    });
}

Result<void> Database::remove_user(mail::Address const& address) {
    DAWK_TRY(auto const kept, kept_address(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto query, c.query("DELETE FROM user WHERE domain = ? AND local = ?"));
        query.bind(kept.domain).bind(kept.local);
        return touch_one(c, query);
    });
}

Result<std::vector<directory::User>> Database::users(std::string const& domain) {
    DAWK_TRY(std::string const only, filter_of(domain));
    return read([&](Connection& c) -> Result<std::vector<directory::User>> {
        DAWK_TRY(auto query, c.query("SELECT local, domain, disabled FROM user "
                                     "WHERE ?1 = '' OR domain = ?1 ORDER BY domain, local"));
        query.bind(only);
        std::vector<directory::User> out;
        for (;;) {
            DAWK_TRY(bool const row, query.step());
            if (!row) return out;
            DAWK_TRY(auto address, checked(query.text(0), query.text(1)));
            out.push_back({std::move(address), query.number(2) != 0});
        }
    });
}

Result<void> Database::add_alias(directory::Alias const& alias) {
    DAWK_TRY(auto const kept, directory::new_alias(alias));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY_VOID(claim(c, kept.address, *configured()));
        auto const& [local, domain] = kept.address;
        {
            DAWK_TRY(auto query, c.query("INSERT INTO alias(domain, local) VALUES (?, ?)"));
            DAWK_TRY_VOID(query.bind(domain).bind(local).run());
        }
        std::int64_t position = 0;
        for (auto const& target : kept.targets) {
            DAWK_TRY(auto query,
                     c.query("INSERT INTO target(domain, local, position, target_local, "
                             "target_domain) VALUES (?, ?, ?, ?, ?)"));
            query.bind(domain).bind(local).bind(position++).bind(target.local).bind(target.domain);
            DAWK_TRY_VOID(query.run());
        }
        return {};
    });
}

Result<void> Database::remove_alias(mail::Address const& address) {
    DAWK_TRY(auto const kept, kept_address(address));
    return write([&](Connection& c) -> Result<void> {
        DAWK_TRY(auto query, c.query("DELETE FROM alias WHERE domain = ? AND local = ?"));
        query.bind(kept.domain).bind(kept.local);
        return touch_one(c, query);
    });
}

Result<std::vector<directory::Alias>> Database::aliases(std::string const& domain) {
    DAWK_TRY(std::string const only, filter_of(domain));
    return read([&](Connection& c) -> Result<std::vector<directory::Alias>> {
        DAWK_TRY(auto query,
                 c.query("SELECT local, domain, target_local, target_domain FROM target "
                         "WHERE ?1 = '' OR domain = ?1 "
                         "ORDER BY domain, local, position"));
        query.bind(only);
        std::vector<directory::Alias> out;
        for (;;) {
            DAWK_TRY(bool const row, query.step());
            if (!row) return out;
            DAWK_TRY(auto address, checked(query.text(0), query.text(1)));
            DAWK_TRY(auto target, checked(query.text(2), query.text(3)));
            if (out.empty() || out.back().address != address)
                out.push_back({std::move(address), {}});
            out.back().targets.push_back(std::move(target));
        }
    });
}

}  // namespace dawk::directory_sqlite
