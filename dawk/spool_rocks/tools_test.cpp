// The tools find what was broken on purpose, save the rest, and carry messages over unchanged.
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "dawk/spool_rocks/tools_fixture_test.hpp"

namespace dawk::spool_rocks {
namespace {

TEST_F(Tools, CheckFindsNothingInASoundSpool) {
    fill(12);
    auto const report = check();
    EXPECT_TRUE(report.is_sound()) << report.text();
    EXPECT_EQ(report.notes.count(), 0U) << report.text();
    EXPECT_EQ(report.messages, 12U);
    EXPECT_EQ(report.large, 2U);
    EXPECT_EQ(report.due, 12U);
    EXPECT_EQ(report.events, 12U);
    auto const json = boost::json::parse(report.json());
    EXPECT_TRUE(json.at("sound").as_bool());
    EXPECT_EQ(json.at("messages").to_number<int>(), 12);
    EXPECT_TRUE(check(false).is_sound());
}

TEST_F(Tools, ToolsKeepOutOfASpoolInUseAndOfNone) {
    auto const none = check_spool(world_, options_);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::not_found);
    EXPECT_FALSE(fs::exists(options_.folder));
    auto const spool = open(options_);
    EXPECT_EQ(check_spool(world_, options_).error().code, Errc::conflict);
    EXPECT_EQ(repair_spool(world_, options_, other_).error().code, Errc::conflict);
    EXPECT_EQ(export_spool(world_, options_, folder_.path() + "/out").error().code, Errc::conflict);
    EXPECT_EQ(import_spool(world_, options_, folder_.path(), {}).error().code, Errc::conflict);
    EXPECT_FALSE(fs::exists(other_.folder));
}

TEST_F(Tools, CheckNamesEachKindOfDamage) {
    fill(12);
    change([&](Engine& e) {
        auto const remove = [&](Family family, unsigned n) {
            ASSERT_TRUE(e.db->Delete({}, e[family], key(id_of(n))).ok());
        };
        remove(Family::content, 1);   // an envelope without content
        remove(Family::envelope, 2);  // a content without envelope, a dangling schedule entry
        ASSERT_TRUE(e.db->Put({}, e[Family::envelope], key(id_of(3)), "rubbish").ok());
        ASSERT_TRUE(e.db->Put({}, e[Family::content], key(id_of(4)), "short").ok());
        spool::Due const due{"example.com", spool::contract::sample(6).arrived, id_of(6)};
        ASSERT_TRUE(e.db->Delete({}, e[Family::due], keys::due_key(due)).ok());
        ASSERT_TRUE(e.db->Put({}, e[Family::history], std::string(24, 'x'), "rubbish").ok());
    });
    auto const report = check();
    EXPECT_FALSE(report.is_sound());
    std::multiset<std::string> found;
    for (auto const& f : report.damage.list()) found.insert(f.kind + " " + f.id);
    std::multiset<std::string> const expected = {
        "content " + id_of(1).text(),
        "content " + id_of(2).text(),
        "envelope " + id_of(3).text(),
        "content " + id_of(4).text(),
        "due " + id_of(6).text(),
        "history " + MessageId::from_bytes(std::string(16, 'x'))->text()};
    EXPECT_EQ(found, expected) << report.text();
    EXPECT_EQ(kinds(report.notes), "due usage ");
}

TEST_F(Tools, CheckReadsLargeContents) {
    fill(15);
    LargeFiles large(pool_, files_, options_);
    auto const names = *large.names();
    ASSERT_EQ(names.size(), 3U);
    fs::remove(large.path_of(names[0]));
    fs::resize_file(large.path_of(names[1]), 100);
    std::fstream(large.path_of(names[2]), std::ios::in | std::ios::out).write("damage", 6);
    ASSERT_TRUE(files_.create(large.path_of(large.new_name(id_of(99))), 0600));
    EXPECT_EQ(kinds(check(false).damage), "large large ");
    auto const report = check();
    EXPECT_EQ(kinds(report.damage), "large large large ") << report.text();
    EXPECT_EQ(kinds(report.notes), "large ");
}

TEST_F(Tools, RepairSavesTheRestAndSaysWhatIsLost) {
    fill(12);
    change([&](Engine& e) {
        ASSERT_TRUE(e.db->Delete({}, e[Family::content], key(id_of(1))).ok());
        ASSERT_TRUE(e.db->Delete({}, e[Family::envelope], key(id_of(2))).ok());
        spool::Due const due{"example.com", spool::contract::sample(6).arrived, id_of(6)};
        ASSERT_TRUE(e.db->Delete({}, e[Family::due], keys::due_key(due)).ok());
    });
    auto const report = repair_spool(world_, options_, other_);
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(report->messages, 10U) << report->text();
    EXPECT_EQ(report->events, 12U);
    ASSERT_EQ(report->lost.count(), 1U) << report->text();
    EXPECT_EQ(report->lost.list()[0].id, id_of(1).text());
    EXPECT_NE(report->lost.list()[0].detail.find("sender1@example.org"), std::string::npos);
    EXPECT_EQ(report->contents_without_envelope, 1U);
    EXPECT_EQ(fs::file_size(other_.folder + "/lost/" + id_of(2).text() + ".eml"), size_of(2));
    {
        auto const spool = open(other_);
        for (unsigned const n : {3U, 4U, 5U, 6U, 10U, 12U}) expect_message(*spool, n);
        EXPECT_EQ(rt::run(spool->history(id_of(1)))->size(), 1U);
    }
    EXPECT_EQ(repair_spool(world_, options_, other_).error().code, Errc::exists);
    options_.folder = other_.folder;
    EXPECT_TRUE(check().is_sound()) << check().text();
}

TEST_F(Tools, RepairWorksWithoutTheManifest) {
    fill(12);
    std::vector<fs::path> manifests;
    for (auto const& entry : fs::directory_iterator(options_.folder + "/db")) {
        auto const name = entry.path().filename().string();
        if (name.starts_with("MANIFEST")) manifests.push_back(entry.path());
    }
    for (auto const& path : manifests) fs::remove(path);
    ASSERT_TRUE(has_database_file(".blob"));
    EXPECT_FALSE(check().is_sound());
    auto const report = repair_spool(world_, options_, other_);
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(report->messages, 12U) << report->text();
    auto const spool = open(other_);
    for (unsigned n = 1; n <= 12; ++n) expect_message(*spool, n);
    EXPECT_FALSE(fs::exists(other_.folder + ".scratch"));
}

TEST_F(Tools, RepairStepsOverDamagedBlocks) {
    {
        auto const spool = open(options_);
        for (unsigned n = 1; n <= 400; ++n) {
            ASSERT_TRUE(rt::run(spool::contract::insert(*spool, n, octets_of(40, n))));
        }
    }
    std::string table;
    {
        auto engine = open_engine(options_);
        rocksdb::ColumnFamilyMetaData meta;
        (*engine)->db->GetColumnFamilyMetaData((**engine)[Family::envelope], &meta);
        for (auto const& level : meta.levels) {
            for (auto const& file : level.files) table = file.db_path + file.name;
        }
    }
    ASSERT_FALSE(table.empty());
    std::fstream broken(table, std::ios::in | std::ios::out | std::ios::binary);
    broken.seekp(static_cast<std::streamoff>(fs::file_size(table) / 3));
    broken << "damage";
    broken.close();
    EXPECT_FALSE(check().is_sound());
    auto const report = repair_spool(world_, options_, other_);
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_GE(report->lost.count(), 1U);
    EXPECT_GT(report->messages, 300U) << report->text();
    EXPECT_LT(report->messages, 400U);
    EXPECT_EQ(report->messages + report->contents_without_envelope, 400U) << report->text();
}

TEST_F(Tools, ExportAndImportCarryMessagesUnchanged) {
    fill(7);
    auto const out = folder_.path() + "/out";
    auto const exported = export_spool(world_, options_, out);
    ASSERT_TRUE(exported) << exported.error().detail;
    EXPECT_EQ(exported->messages, 7U) << exported->text();
    EXPECT_EQ(exported->failed.count(), 0U);
    std::ifstream json_file(out + "/" + id_of(1).text() + ".json");
    std::string const json{std::istreambuf_iterator<char>(json_file), {}};
    EXPECT_EQ(boost::json::parse(json).at("reverse_path").as_string(), "sender1@example.org");

    for (std::uint64_t const skipped : {0U, 7U}) {
        auto const imported = import_spool(world_, other_, out, {});
        ASSERT_TRUE(imported) << imported.error().detail;
        EXPECT_EQ(imported->messages, 7U - skipped) << imported->text();
        EXPECT_EQ(imported->skipped, skipped);
        EXPECT_EQ(imported->failed.count(), 0U) << imported->text();
    }
    auto const here = open(options_);
    auto const there = open(other_);
    for (unsigned n = 1; n <= 7; ++n) {
        expect_message(*there, n);
        EXPECT_TRUE(**rt::run(here->load(id_of(n))) == **rt::run(there->load(id_of(n))));
    }
}

TEST_F(Tools, ImportRefusesWhatDoesNotFitTogether) {
    fill(3);
    auto const out = folder_.path() + "/out";
    ASSERT_TRUE(export_spool(world_, options_, out));
    std::ofstream(out + "/" + id_of(1).text() + ".eml", std::ios::app) << "more";
    std::ofstream(out + "/" + id_of(2).text() + ".json") << "{\"record\":\"AAAA\"}";
    auto const imported = import_spool(world_, other_, out, {});
    ASSERT_TRUE(imported);
    EXPECT_EQ(imported->messages, 1U);
    EXPECT_EQ(imported->failed.count(), 2U);
}

TEST_F(Tools, ImportMakesEnvelopesForLoneMailFiles) {
    auto const in = folder_.path() + "/in";
    fs::create_directory(in);
    std::ofstream(in + "/a.eml") << "Return-Path: <from@example.org>\nTo: A <a@example.com>, "
                                    "a@example.com\nCc: b@example.net\nSubject: hello\n\nbody\n";
    std::ofstream(in + "/b.eml") << "Subject: for nobody\r\n\r\nbody\r\n";
    ImportOptions how;
    how.destination_of = [](mail::Address const& a) { return "mx:" + a.domain; };
    std::uint64_t next = 1;
    how.random = [&] { return next++; };
    auto const imported = import_spool(world_, options_, in, how);
    ASSERT_TRUE(imported) << imported.error().detail;
    EXPECT_EQ(imported->messages, 1U) << imported->text();
    EXPECT_EQ(imported->failed.count(), 1U);
    auto const spool = open(options_);
    auto const listed = rt::run(spool->list({}, 10));
    ASSERT_EQ(listed->size(), 1U);
    auto const& e = *listed->front();
    EXPECT_EQ(e.reverse_path.text(), "from@example.org");
    ASSERT_EQ(e.recipients.size(), 2U);
    EXPECT_EQ(e.recipients[1].address.text(), "b@example.net");
    EXPECT_EQ(e.header_subject, "hello");
    EXPECT_EQ(rt::run(spool->due("mx:example.net", {}, 5))->size(), 1U);
    auto const content = rt::run(spool->open_content(listed->front()));
    auto const octets = rt::run(spool::read_all(*content, 1000));
    EXPECT_TRUE(octets->ends_with("Subject: hello\r\n\r\nbody\r\n"));
}

}  // namespace
}  // namespace dawk::spool_rocks
