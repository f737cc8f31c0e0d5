// The contract of every Spool engine, as tests. An engine's test file includes this and adds
//
//     INSTANTIATE_TEST_SUITE_P(Mem, SpoolContract, ::testing::Values(MakeSpool(make_mem_subject)));
//
// A subject is one spool on one disk that can be reopened and made to fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "dawk/spool/samples.hpp"

namespace dawk::spool::contract {

class Subject {
  public:
    virtual ~Subject() = default;
    virtual Spool& spool() = 0;
    virtual void reopen() = 0;  // closes the spool and opens it again on the same disk
    virtual void break_disk(Errc error) = 0;  // from now on every write fails so
    virtual void mend_disk() = 0;             // returns when the spool has recovered
    virtual std::size_t files_of_large_contents() = 0;
};
using MakeSpool = std::function<std::unique_ptr<Subject>(std::uint64_t large_content_bytes)>;

class SpoolContract : public ::testing::TestWithParam<MakeSpool> {
  protected:
    void SetUp() override { subject_ = GetParam()(large_bytes); }
    Spool& spool() { return subject_->spool(); }
    Result<void> commit(Batch batch) { return run(spool().commit(std::move(batch))); }
    Result<void> add(unsigned n, std::size_t size = 2000) {
        return run(insert(spool(), n, octets_of(size, n)));
    }
    Result<std::string> content(unsigned n, std::size_t size) {
        auto e = sample(n);
        e.content_size = size;
        auto opened = run(spool().open_content(shared(std::move(e))));
        if (!opened) return opened.error();
        if ((*opened)->size() != size) return Errc::corrupt;
        return run(read_all(*opened, 64U << 20U));
    }
    std::vector<MessageId> ids(MessageId after, std::size_t limit) {
        auto listed = run(spool().list(after, limit));
        EXPECT_TRUE(listed);
        std::vector<MessageId> out;
        for (auto const& e : *listed) out.push_back(e->id);
        return out;
    }
    std::vector<Due> due(std::string destination, std::optional<Due> after = {},
                         std::size_t limit = 100) {
        auto found = run(spool().due(std::move(destination), std::move(after), limit));
        EXPECT_TRUE(found);
        return *found;
    }
    std::vector<std::string> destinations(std::string after = {}, std::size_t limit = 100) {
        auto found = run(spool().destinations(std::move(after), limit));
        EXPECT_TRUE(found);
        std::vector<std::string> out;
        for (auto const& head : *found) out.push_back(head.destination);
        return out;
    }
    std::vector<std::string> notes(std::vector<envelope::Event> const& events) {
        std::vector<std::string> out;
        for (auto const& event : events) out.push_back(event.note);
        return out;
    }
    std::unique_ptr<Subject> subject_;
};

TEST_P(SpoolContract, AnEmptySpoolHoldsNothing) {
    EXPECT_EQ(run(spool().load(id_of(1))).error(), Errc::not_found);
    EXPECT_EQ(content(1, 0).error(), Errc::not_found);
    EXPECT_TRUE(ids({}, 10).empty());
    EXPECT_TRUE(destinations().empty());
    EXPECT_TRUE(due("example.com").empty());
    EXPECT_TRUE(run(spool().history(id_of(1)))->empty());
    EXPECT_TRUE(run(spool().history_of("user@example.com", 10))->empty());
    EXPECT_EQ(run(spool().usage())->messages, 0U);
    EXPECT_FALSE(spool().is_in_trouble());
}

TEST_P(SpoolContract, AnEmptyBatchCommits) {
    EXPECT_TRUE(commit({}));
}

TEST_P(SpoolContract, WhatWasCommittedIsReadableAtOnceAndAfterReopening) {
    ASSERT_TRUE(add(1));
    for (int round = 0; round < 2; ++round) {
        auto loaded = run(spool().load(id_of(1)));
        ASSERT_TRUE(loaded);
        EXPECT_EQ((*loaded)->reverse_path.local, "sender1");
        ASSERT_EQ((*loaded)->recipients.size(), 1U);
        EXPECT_EQ((*loaded)->recipients[0].destination, "example.com");
        EXPECT_EQ((*loaded)->content_size, 2000U);
        EXPECT_EQ(content(1, 2000), octets_of(2000, 1));
        EXPECT_EQ(due("example.com"),
                  (std::vector{Due{"example.com", sample(1).arrived, id_of(1)}}));
        EXPECT_EQ(run(spool().history(id_of(1)))->size(), 1U);
        auto const usage = run(spool().usage());
        ASSERT_TRUE(usage);
        EXPECT_EQ(usage->messages, 1U);
        EXPECT_EQ(usage->content_bytes, 2000U);
        EXPECT_GT(usage->disk_free_bytes, 0U);
        subject_->reopen();
    }
}

TEST_P(SpoolContract, ContentsOfAllSizesAroundTheThresholdComeBack) {
    unsigned n = 1;
    for (std::size_t const size :
         {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{70'000},
          std::size_t{large_bytes - 1}, std::size_t{large_bytes}, std::size_t{large_bytes + 1},
          std::size_t{3 * large_bytes + 17}}) {
        ASSERT_TRUE(add(n, size)) << size;
        EXPECT_EQ(content(n, size), octets_of(size, n)) << size;
        ++n;
    }
    subject_->reopen();
    EXPECT_EQ(content(1, 0), "");
    EXPECT_EQ(content(6, large_bytes), octets_of(large_bytes, 6));
    EXPECT_EQ(content(8, 3 * large_bytes + 17), octets_of(3 * large_bytes + 17, 8));
}

TEST_P(SpoolContract, LargeContentsAreReadInBoundedPieces) {
    auto const octets = octets_of(5 * large_bytes + 3, 9);
    auto made = run(write_content(spool(), id_of(9), octets, 100'000, octets.size()));
    ASSERT_TRUE(made);
    EXPECT_FALSE((*made)->in_memory());
    EXPECT_EQ((*made)->size(), octets.size());
    EXPECT_EQ(run(read_all(*made, octets.size() - 1)).error(), Errc::too_long);
    // Two readers at once, each with a position of its own.
    auto one = (*made)->reader();
    auto two = (*made)->reader();
    std::string first;
    std::string second;
    for (;;) {
        auto piece = run(one->next());
        ASSERT_TRUE(piece);
        EXPECT_LE(piece->size(), content_piece_bytes);
        first += *piece;
        auto other = run(two->next());
        ASSERT_TRUE(other);
        second += *other;
        if (piece->empty() && other->empty()) break;
    }
    EXPECT_EQ(first, octets);
    EXPECT_EQ(second, octets);
}

TEST_P(SpoolContract, SmallContentsStayInMemoryWhateverWasAnnounced) {
    auto made = run(write_content(spool(), id_of(1), "tiny", 4, 1ULL << 40U));
    ASSERT_TRUE(made);
    EXPECT_EQ((*made)->in_memory(), "tiny");
    auto reader = (*made)->reader();
    EXPECT_EQ(*run(reader->next()), "tiny");
    EXPECT_EQ(*run(reader->next()), "");
}

TEST_P(SpoolContract, AnAbandonedContentLeavesNothingBehind) {
    {
        auto writer = spool().create_content(id_of(1), 0);
        ASSERT_TRUE(run(writer->write(octets_of(2 * large_bytes, 1))));
    }
    {
        auto made = run(write_content(spool(), id_of(2), octets_of(2 * large_bytes, 1), 50'000, 0));
        ASSERT_TRUE(made);
    }
    subject_->reopen();
    EXPECT_EQ(subject_->files_of_large_contents(), 0U);
    EXPECT_EQ(run(spool().usage())->messages, 0U);
}

TEST_P(SpoolContract, OneContentMayServeSeveralMessages) {
    for (std::size_t const size : {std::size_t{500}, std::size_t{2 * large_bytes}}) {
        unsigned const n = size == 500 ? 1 : 11;
        auto made = run(write_content(spool(), id_of(n), octets_of(size, n), 50'000, 0));
        ASSERT_TRUE(made);
        Batch batch;
        for (unsigned i = n; i < n + 2; ++i) {
            auto e = sample(i);
            e.content_size = size;
            batch.inserts.push_back({shared(std::move(e)), *made});
        }
        ASSERT_TRUE(commit(std::move(batch)));
        made->reset();
        Batch remove;
        auto e = sample(n);
        e.content_size = size;
        remove.removes.push_back(shared(std::move(e)));
        ASSERT_TRUE(commit(std::move(remove)));
        EXPECT_EQ(content(n, size).error(), Errc::not_found);
        EXPECT_EQ(content(n + 1, size), octets_of(size, n));
    }
}

TEST_P(SpoolContract, AnUpdateReplacesTheWholeRecord) {
    ASSERT_TRUE(add(1));
    auto e = sample(1);
    e.content_size = 2000;
    e.recipients[0].state = envelope::State::held;
    e.recipients[0].attempts = 7;
    e.recipients.push_back(e.recipients[0]);
    Batch batch;
    batch.updates.push_back(shared(e));
    ASSERT_TRUE(commit(std::move(batch)));
    subject_->reopen();
    auto loaded = run(spool().load(id_of(1)));
    ASSERT_TRUE(loaded);
    ASSERT_EQ((*loaded)->recipients.size(), 2U);
    EXPECT_EQ((*loaded)->recipients[1].state, envelope::State::held);
    EXPECT_EQ((*loaded)->recipients[1].attempts, 7U);
    EXPECT_EQ(content(1, 2000), octets_of(2000, 1));
    EXPECT_EQ(run(spool().usage())->messages, 1U);
}

TEST_P(SpoolContract, RemoveTakesEnvelopeAndContentAndLeavesHistory) {
    ASSERT_TRUE(add(1));
    ASSERT_TRUE(add(2, 2 * large_bytes));
    ASSERT_TRUE(add(3));
    Batch batch;
    auto one = sample(1);
    one.content_size = 2000;
    auto two = sample(2);
    two.content_size = 2 * large_bytes;
    batch.due_remove.push_back(Due{"example.com", one.arrived, one.id});
    batch.due_remove.push_back(Due{"example.com", two.arrived, two.id});
    batch.removes = {shared(one), shared(two)};
    ASSERT_TRUE(commit(std::move(batch)));
    for (int round = 0; round < 2; ++round) {
        for (unsigned const n : {1U, 2U}) {
            EXPECT_EQ(run(spool().load(id_of(n))).error(), Errc::not_found);
            EXPECT_EQ(content(n, n == 1 ? 2000 : 2 * large_bytes).error(), Errc::not_found);
        }
        EXPECT_EQ(content(3, 2000), octets_of(2000, 3));
        EXPECT_EQ(ids({}, 10), (std::vector{id_of(3)}));
        EXPECT_EQ(due("example.com").size(), 1U);
        EXPECT_EQ(run(spool().history(id_of(1)))->size(), 1U);
        EXPECT_EQ(run(spool().usage())->messages, 1U);
        EXPECT_EQ(run(spool().usage())->content_bytes, 2000U);
        subject_->reopen();
    }
    EXPECT_EQ(subject_->files_of_large_contents(), 0U);
}

TEST_P(SpoolContract, ManyAreLoadedInOneGoAndContentsAsFarAsAllowed) {
    for (unsigned const n : {1U, 2U, 4U}) ASSERT_TRUE(add(n, 2000));
    for (bool const again : {false, true}) {
        if (again) subject_->reopen();
        auto const found = run(spool().load_many({id_of(4), id_of(3), id_of(1), id_of(2)}, 4000));
        ASSERT_EQ(found.size(), 4U);
        EXPECT_EQ((*found[0].envelope)->id, id_of(4));
        EXPECT_EQ(found[1].envelope.error(), Errc::not_found);
        EXPECT_FALSE(found[1].content);
        EXPECT_EQ((*found[2].envelope)->id, id_of(1));
        ASSERT_TRUE(found[2].content && *found[2].content);
        EXPECT_EQ(run(read_all(**found[2].content, 1U << 20U)), octets_of(2000, 1));
        EXPECT_EQ((*found[3].envelope)->id, id_of(2));
        EXPECT_FALSE(found[3].content) << "beyond the octets asked for";
    }
    EXPECT_TRUE(run(spool().load_many({}, 4000)).empty());
}

TEST_P(SpoolContract, ListGoesInOrderOfIdPageByPage) {
    for (unsigned const n : {5U, 3U, 9U, 1U, 7U}) ASSERT_TRUE(add(n, 10));
    EXPECT_EQ(ids({}, 2), (std::vector{id_of(1), id_of(3)}));
    EXPECT_EQ(ids(id_of(3), 2), (std::vector{id_of(5), id_of(7)}));
    EXPECT_EQ(ids(id_of(7), 2), (std::vector{id_of(9)}));
    EXPECT_EQ(ids(id_of(4), 1), (std::vector{id_of(5)}));  // after an id that is not there
    EXPECT_TRUE(ids(id_of(9), 2).empty());
    EXPECT_TRUE(ids({}, 0).empty());
}

TEST_P(SpoolContract, DueGoesInOrderOfTimeThenIdPageByPage) {
    auto const t = [](int ms) { return from_millis(1'700'000'000'000 + ms); };
    std::vector<Due> const in_order = {
        {"d", from_millis(-5), id_of(8)},
        {"d", from_millis(0), id_of(7)},
        {"d", t(1), id_of(9)},
        {"d", t(2), id_of(1)},
        {"d", t(2), id_of(2)},
        {"d", t(300), id_of(1)},
    };
    Batch batch;
    for (auto const i : {3U, 0U, 5U, 2U, 4U, 1U}) batch.due_add.push_back(in_order[i]);
    ASSERT_TRUE(commit(std::move(batch)));
    EXPECT_EQ(due("d"), in_order);
    std::vector<Due> paged;
    std::optional<Due> after;
    for (;;) {
        auto const page = due("d", after, 2);
        if (page.empty()) break;
        paged.insert(paged.end(), page.begin(), page.end());
        after = page.back();
    }
    EXPECT_EQ(paged, in_order);
    EXPECT_EQ(due("d", Due{"d", t(1), id_of(1)}, 1), (std::vector{in_order[2]}));
}

TEST_P(SpoolContract, DestinationsDoNotMixWhateverTheirOctets) {
    using namespace std::string_literals;
    std::vector<std::string> const names = {"\0"s,   "\0\xff"s,  "\1"s,     "a",        "a\0"s,
                                            "a\0b"s, "a\0\xff"s, "a\1"s,    "a-b",      "ab",
                                            "b",     "\xff"s,    "\xff\0"s, "\xff\xff"s};
    Batch batch;
    for (unsigned i = 0; i < names.size(); ++i) {
        for (unsigned k = 0; k < 3; ++k) {
            batch.due_add.push_back(Due{names[i], from_millis(1000 + 10 * i + k), id_of(i)});
        }
    }
    ASSERT_TRUE(commit(std::move(batch)));
    EXPECT_EQ(destinations(), names);
    std::vector<std::string> paged;
    std::string after;
    for (;;) {
        auto const page = run(spool().destinations(after, 3));
        ASSERT_TRUE(page);
        if (page->empty()) break;
        for (auto const& head : *page) {
            EXPECT_EQ(head.earliest, from_millis(1000 + 10 * static_cast<int>(paged.size())));
            paged.push_back(head.destination);
        }
        after = paged.back();
    }
    EXPECT_EQ(paged, names);
    for (auto const& name : names) {
        auto const found = due(name);
        ASSERT_EQ(found.size(), 3U);
        EXPECT_EQ(found[2].destination, name);
    }
    EXPECT_TRUE(due("a\0c"s).empty());
    EXPECT_TRUE(due("aa").empty());
}

TEST_P(SpoolContract, TheHeadOfADestinationFollowsItsEntries) {
    Due const early{"x", from_millis(10), id_of(1)};
    Due const late{"x", from_millis(20), id_of(2)};
    Batch batch;
    batch.due_add = {early, late};
    ASSERT_TRUE(commit(std::move(batch)));
    Batch move;
    move.due_remove = {early};
    move.due_add = {Due{"x", from_millis(30), id_of(1)}, Due{"y", from_millis(5), id_of(3)}};
    ASSERT_TRUE(commit(std::move(move)));
    auto const heads = run(spool().destinations("", 10));
    ASSERT_TRUE(heads);
    ASSERT_EQ(heads->size(), 2U);
    EXPECT_EQ((*heads)[0].earliest, from_millis(20));
    EXPECT_EQ((*heads)[1].earliest, from_millis(5));
    Batch clear;
    clear.due_remove = {late, Due{"x", from_millis(30), id_of(1)}};
    ASSERT_TRUE(commit(std::move(clear)));
    EXPECT_EQ(destinations(), (std::vector<std::string>{"y"}));
    // An entry that is taken out and put in again by one batch stays.
    Batch again;
    again.due_remove = {Due{"y", from_millis(5), id_of(3)}};
    again.due_add = {Due{"y", from_millis(5), id_of(3)}};
    ASSERT_TRUE(commit(std::move(again)));
    subject_->reopen();
    EXPECT_EQ(due("y").size(), 1U);
}

TEST_P(SpoolContract, HistoryOfAMessageIsOldestFirst) {
    ASSERT_TRUE(add(1, 10));
    ASSERT_TRUE(add(2, 10));
    Batch batch;
    batch.events.push_back(event_of(sample(1), envelope::Event::Kind::deferred, 100));
    batch.events.push_back(event_of(sample(1), envelope::Event::Kind::relayed, 200));
    ASSERT_TRUE(commit(std::move(batch)));
    subject_->reopen();
    Batch more;
    more.events.push_back(event_of(sample(1), envelope::Event::Kind::dsn_made, 300));
    ASSERT_TRUE(commit(std::move(more)));
    auto const events = run(spool().history(id_of(1)));
    ASSERT_TRUE(events);
    EXPECT_EQ(notes(*events),
              (std::vector<std::string>{"note 1", "note 100", "note 200", "note 300"}));
    EXPECT_EQ(events->at(1).kind, envelope::Event::Kind::deferred);
    EXPECT_EQ(run(spool().history(id_of(2)))->size(), 1U);
    EXPECT_TRUE(run(spool().history(MessageId{}))->empty());
}

TEST_P(SpoolContract, HistoryOfAnAddressIsNewestFirstAndIgnoresCase) {
    for (unsigned const n : {3U, 1U, 2U}) ASSERT_TRUE(add(n, 10));
    Batch batch;
    auto refused = event_of(sample(4), envelope::Event::Kind::refused, 4);
    refused.id = MessageId{};  // refused before there was a message
    auto bounce = event_of(sample(5), envelope::Event::Kind::dsn_made, 5);
    bounce.sender.clear();
    auto both = event_of(sample(6), envelope::Event::Kind::delivered, 86'400'000);  // another day
    both.sender = both.recipient;
    batch.events = {refused, bounce, both};
    ASSERT_TRUE(commit(std::move(batch)));
    auto const all = run(spool().history_of("USER@example.com", 100));
    ASSERT_TRUE(all);
    EXPECT_EQ(notes(*all), (std::vector<std::string>{"note 86400000", "note 5", "note 4", "note 3",
                                                     "note 2", "note 1"}));
    auto const two = run(spool().history_of("user@example.com", 2));
    EXPECT_EQ(notes(*two), (std::vector<std::string>{"note 86400000", "note 5"}));
    EXPECT_EQ(notes(*run(spool().history_of("sender4@EXAMPLE.org", 9))),
              (std::vector<std::string>{"note 4"}));
    EXPECT_TRUE(run(spool().history_of("user@example.co", 9))->empty());
    EXPECT_TRUE(run(spool().history_of("", 9))->empty());
}

TEST_P(SpoolContract, ManyTasksCommitAtOnce) {
    boost::asio::io_context io(1);
    int done = 0;
    for (unsigned n = 0; n < 100; ++n) {
        boost::asio::co_spawn(io, insert(spool(), n, octets_of(500 + n, n)),
                              [&](std::exception_ptr error, Result<void> result) {
                                  EXPECT_FALSE(error);
                                  EXPECT_TRUE(result);
                                  ++done;
                              });
    }
    io.run();
    EXPECT_EQ(done, 100);
    subject_->reopen();
    EXPECT_EQ(ids({}, 1000).size(), 100U);
    for (unsigned n = 0; n < 100; ++n) EXPECT_EQ(content(n, 500 + n), octets_of(500 + n, n));
}

TEST_P(SpoolContract, AFailedCommitChangesNothingAndTheSpoolHealsItself) {
    for (auto const error : {Errc::no_space, Errc::io_error}) {
        unsigned const n = error == Errc::no_space ? 1 : 11;
        ASSERT_TRUE(add(n));
        subject_->break_disk(error);
        auto const large = add(n + 1, 2 * large_bytes);
        EXPECT_FALSE(large);
        Batch batch;
        auto e = sample(n);
        e.content_size = 2000;
        batch.removes.push_back(shared(e));
        batch.due_remove.push_back(Due{"example.com", e.arrived, e.id});
        batch.due_add.push_back(Due{"elsewhere", e.arrived, e.id});
        batch.events.push_back(event_of(e, envelope::Event::Kind::relayed, 50));
        EXPECT_EQ(commit(std::move(batch)).error(), error);
        EXPECT_TRUE(spool().is_in_trouble());
        EXPECT_EQ(add(n + 2).error(), error);
        subject_->mend_disk();
        EXPECT_FALSE(spool().is_in_trouble());
        for (int round = 0; round < 2; ++round) {
            EXPECT_TRUE(run(spool().load(id_of(n))));
            EXPECT_EQ(content(n, 2000), octets_of(2000, n));
            EXPECT_EQ(run(spool().load(id_of(n + 1))).error(), Errc::not_found);
            EXPECT_EQ(run(spool().load(id_of(n + 2))).error(), Errc::not_found);
            EXPECT_TRUE(due("elsewhere").empty());
            EXPECT_EQ(run(spool().history(id_of(n)))->size(), 1U);
            subject_->reopen();
        }
        EXPECT_EQ(subject_->files_of_large_contents(), 0U);
        ASSERT_TRUE(add(n + 1, 2 * large_bytes));
        EXPECT_EQ(content(n + 1, 2 * large_bytes), octets_of(2 * large_bytes, n + 1));
        Batch clean;
        auto with_large = sample(n + 1);
        with_large.content_size = 2 * large_bytes;
        clean.removes.push_back(shared(with_large));
        ASSERT_TRUE(commit(std::move(clean)));
    }
}

}  // namespace dawk::spool::contract
