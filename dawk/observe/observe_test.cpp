#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "dawk/observe/json_line.hpp"
#include "dawk/observe/observer.hpp"

namespace dawk::observe {
namespace {

struct Folder {
    Folder() {
        char name[] = "/tmp/dawk-observe-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

envelope::Event sample() {
    envelope::Event event;
    event.kind = envelope::Event::Kind::deferred;
    event.at = from_millis(1'767'225'600'123);
    event.id = MessageId::make(event.at, 1, 2);
    event.recipient = "bob@dawk.test";
    event.destination = "smtp:127.0.0.1:2600";
    event.outcome.code = 451;
    event.outcome.text = "try\r\n{\"event\":\"forged\"} \\ later\x80";
    return event;
}

TEST(JsonLine, IsOneLineThatNoPeerCanForge) {
    std::string line;
    append_json(line, sample());
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_TRUE(
        line.starts_with("{\"at\":\"2026-01-01T00:00:00.123Z\",\"event\":\"deferred\",\"id\":\""));
    EXPECT_NE(line.find(R"("text":"try\u000d\u000a{\"event\":\"forged\"} \\ later\u0080")"),
              line.npos)
        << line;
    EXPECT_NE(line.find("\"from\":\"<>\""), line.npos);
}

TEST(Log, WritesEverythingAndReopens) {
    Folder const folder;
    auto const file = folder.path / "log";
    auto log = Log::open(file.string()).value();
    for (int i = 0; i < 1000; ++i) log->append("line\n");
    log->flush();
    EXPECT_EQ(read(file).size(), 5000U);
    std::filesystem::rename(file, folder.path / "old");
    ASSERT_TRUE(log->reopen());
    log->append("new\n");
    log.reset();
    EXPECT_EQ(read(file), "new\n");
    EXPECT_FALSE(Log::open((folder.path / "no" / "log").string()));
}

TEST(Log, SaysHowManyLinesItDropped) {
    Folder const folder;
    auto const file = folder.path / "log";
    auto log = Log::open(file.string(), 64).value();
    log->append(std::string(65, 'x') + "\n");
    EXPECT_EQ(log->dropped(), 1U);
    log->append("kept\n");
    log.reset();
    auto const text = read(file);
    EXPECT_NE(text.find("1 log lines were dropped"), text.npos);
    EXPECT_NE(text.find("kept\n"), text.npos);
}

TEST(Metrics, CountByKindAndRoute) {
    Metrics metrics;
    metrics.count(sample());
    metrics.count(sample());
    double size = 3;
    metrics.add_gauge("dawk_queue_messages", "Messages in memory.", [&size] { return size; });
    auto const text = metrics.render();
    EXPECT_NE(text.find("dawk_events_total{event=\"deferred\",route=\"smtp\"} 2"), text.npos)
        << text;
    EXPECT_NE(text.find("dawk_queue_messages 3"), text.npos);
    size = 4;
    EXPECT_NE(metrics.render().find("dawk_queue_messages 4"), text.npos);
}

}  // namespace
}  // namespace dawk::observe
