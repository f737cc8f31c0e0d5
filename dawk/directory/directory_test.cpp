#include "dawk/directory/contract.hpp"
#include "dawk/directory/mem_directory.hpp"

namespace dawk::directory::contract {
namespace {

class MemSubject final : public Subject {
  public:
    explicit MemSubject(mail::Address postmaster) : directory_(std::move(postmaster)) {}
    Directory& directory() override { return directory_; }

  private:
    MemDirectory directory_;
};

std::unique_ptr<Subject> make_mem(mail::Address postmaster) {
    return std::make_unique<MemSubject>(std::move(postmaster));
}

INSTANTIATE_TEST_SUITE_P(Mem, DirectoryContract, ::testing::Values(MakeDirectory(make_mem)));

}  // namespace
}  // namespace dawk::directory::contract
