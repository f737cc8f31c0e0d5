// MemStore: the engine in memory, for tests and the simulation. One thread.
#pragma once

#include <map>

#include "dawk/reports/store.hpp"

namespace dawk::reports {

class MemStore final : public Store {
  public:
    Task<Result<void>> add(std::vector<Seen> batch) override;
    Task<Result<std::vector<Key>>> unsent(Day before, std::size_t limit) override;
    Task<Result<Collected>> collected(Key key, std::size_t rows_max) override;
    Task<Result<void>> mark_sent(Key key, WallTime at, std::string note) override;
    Task<Result<bool>> keep(dmarcreport::Report report, WallTime received) override;
    Task<Result<std::vector<SourceLine>>> sources(Query query) override;
    Task<Result<std::vector<ReportLine>>> reports(Query query) override;
    Task<Result<void>> forget(Day before) override;

    // Every call fails so, until it is cleared with {}.
    void set_trouble(ErrorCode error) { trouble_ = error; }
    std::string note_of(Key const& key) const;

  private:
    struct Own {
        dmarcreport::Policy policy;
        std::vector<std::string> rua;
        std::map<dmarcreport::Record, std::uint64_t> rows;
        bool is_sent = false;
        std::string note;
    };
    struct Foreign {
        dmarcreport::Report report;
        WallTime received{};
    };
    std::map<Key, Own> own_;
    std::vector<Foreign> foreign_;
    ErrorCode trouble_;
};

// Whether a report about `domain` is asked for; and whether it is recent enough.
bool matches(Query const& query, std::string const& domain, std::int64_t end);

}  // namespace dawk::reports
