#include "dawk/reports/contract.hpp"
#include "dawk/reports/mem_store.hpp"
#include "dawk/reports/text.hpp"

namespace dawk::reports::contract {
namespace {

class MemSubject final : public Subject {
  public:
    Store& store() override { return store_; }

  private:
    MemStore store_;
};
INSTANTIATE_TEST_SUITE_P(Mem, ReportStoreContract, ::testing::Values(MakeStore([] {
                             return std::make_unique<MemSubject>();
                         })));

TEST(ReportText, ComesBackAsItWas) {
    auto const original = record("192.0.2.1");
    EXPECT_EQ(record_of(to_text(original)).value(), original);
    dmarcreport::Policy policy;
    policy.domain = "a:b;c";
    policy.np = "reject";
    EXPECT_EQ(policy_of(to_text(policy)).value(), policy);
    std::vector<std::string> const list{"", "1:x", "mailto:a@b"};
    EXPECT_EQ(list_of(to_text(list)).value(), list);
}

TEST(ReportText, DamageIsSeen) {
    auto const whole = to_text(record("192.0.2.1"));
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        EXPECT_EQ(record_of(whole.substr(0, cut)).error(), Errc::corrupt) << cut;
    EXPECT_FALSE(record_of(whole + "x"));
    EXPECT_FALSE(record_of("1:2" + whole.substr(3))) << "another version";
    EXPECT_FALSE(list_of("1:19:999999999"));
}

}  // namespace
}  // namespace dawk::reports::contract
