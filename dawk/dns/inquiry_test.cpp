#include "dawk/dns/inquiry.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace dawk::dns {
namespace {

Inquiry<int> count_addresses(std::string name) {
    Question question{name, Type::a};
    auto const answer = co_await ask(std::move(question));
    co_return static_cast<int>(answer.addresses.size());
}

Inquiry<int> count_all(std::vector<std::string> names) {
    int sum = 0;
    for (auto const& name : names) {
        auto const n = co_await count_addresses(name);
        sum += n;
    }
    co_return sum;
}

Inquiry<int> recurse(int depth) {
    if (depth == 0) co_return 0;
    auto const below = co_await recurse(depth - 1);
    co_return below + 1;
}

TEST(Inquiry, AsksThroughNestedInquiriesInOrder) {
    std::vector<std::string> asked;
    auto const sum = run(count_all({"a.test", "b.test"}), [&](Question const& question) {
        asked.push_back(question.name);
        Answer answer;
        answer.addresses.resize(asked.size());
        return answer;
    });
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(asked, (std::vector<std::string>{"a.test", "b.test"}));
}

TEST(Inquiry, TheQuestionStaysUntilAnswered) {
    auto inquiry = count_addresses("a.test");
    ASSERT_NE(inquiry.question(), nullptr);
    EXPECT_EQ(inquiry.question()->name, "a.test");
    inquiry.answer(Answer{});
    EXPECT_EQ(inquiry.question(), nullptr);
    EXPECT_EQ(inquiry.take(), 0);
}

TEST(Inquiry, MayBeGivenUpAnywhere) {
    auto inquiry = count_all({"a.test", "b.test"});
    ASSERT_NE(inquiry.question(), nullptr);
    inquiry.answer(Answer{});
    ASSERT_NE(inquiry.question(), nullptr);
}  // destroyed while the second one waits; the sanitizers tell

TEST(Inquiry, WithoutQuestionsRunsThrough) {
    auto inquiry = recurse(1000);
    EXPECT_EQ(inquiry.question(), nullptr);
    EXPECT_EQ(inquiry.take(), 1000);
}

}  // namespace
}  // namespace dawk::dns
