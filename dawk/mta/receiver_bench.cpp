// What it costs to take a message in, without network and disk: a stream that has all input ready,
// and a spool that forgets.
#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dawk/base/check.hpp"
#include "dawk/directory/mem_directory.hpp"
#include "dawk/dkim/sign.hpp"
#include "dawk/mailauth/zone_file.hpp"
#include "dawk/mta/receiver.hpp"
#include "dawk/mta/reception.hpp"
#include "dawk/sim/network.hpp"
#include "dawk/spool/content.hpp"
#include "dawk/spool/mem_spool.hpp"

namespace dawk::mta {
namespace {

class Forgetful final : public spool::Spool {
  public:
    std::unique_ptr<spool::ContentWriter> create_content(MessageId, std::uint64_t) override {
        return std::make_unique<Writer>();
    }
    Task<Result<void>> commit(spool::Batch) override { co_return Result<void>(); }
    Task<Result<spool::EnvelopePtr>> load(MessageId) override { co_return Errc::not_found; }
    Task<Result<spool::ContentPtr>> open_content(spool::EnvelopePtr) override {
        co_return Errc::not_found;
    }
    Task<Result<std::vector<spool::EnvelopePtr>>> list(MessageId, std::size_t) override {
        co_return Errc::unsupported;
    }
    Task<Result<std::vector<spool::Due>>> due(std::string, std::optional<spool::Due>,
                                              std::size_t) override {
        co_return Errc::unsupported;
    }
    Task<Result<std::vector<spool::DestinationHead>>> destinations(std::string,
                                                                   std::size_t) override {
        co_return Errc::unsupported;
    }
    Task<Result<std::vector<envelope::Event>>> history(MessageId) override {
        co_return Errc::unsupported;
    }
    Task<Result<std::vector<envelope::Event>>> history_of(std::string, std::size_t) override {
        co_return Errc::unsupported;
    }
    Task<Result<spool::Usage>> usage() override { co_return Errc::unsupported; }
    bool is_in_trouble() const noexcept override { return false; }

  private:
    struct Writer final : spool::ContentWriter {
        Task<Result<void>> write(std::string_view octets) override {
            text += octets;
            co_return Result<void>();
        }
        Task<Result<spool::ContentPtr>> finish() override {
            co_return spool::ContentPtr(
                std::make_shared<spool::MemoryContent>(std::move(text), false));
        }
        std::string text;
    };
};

struct Silence final : envelope::EventSink, AcceptedSink {
    void on_event(envelope::Event const&) override {}
    void accepted(spool::EnvelopePtr, spool::ContentPtr) override { ++count; }
    std::size_t count = 0;
};

// Has its input ready, read by read, round and round; swallows all output.
class ReadyStream final : public rt::Stream {
  public:
    ReadyStream(std::vector<std::string> const& head, std::vector<std::string> const& round,
                std::size_t rounds)
        : head_(head), round_(round), rounds_(rounds) {}
    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        if (pending_.empty()) {
            if (at_ < head_.size()) {
                pending_ = head_[at_++];
            } else {
                if (rounds_ == 0) co_return Errc::closed;
                pending_ = round_[next_++];
                if (next_ == round_.size()) {
                    next_ = 0;
                    --rounds_;
                }
            }
        }
        std::size_t const n = pending_.copy(buffer.data(), buffer.size());
        pending_.remove_prefix(n);
        co_return n;
    }
    Task<Result<void>> write_all(std::string_view) override { co_return Result<void>(); }
    Task<Result<void>> write_all(std::span<std::string_view const>) override {
        co_return Result<void>();
    }
    void expires_at(SteadyTime) override {}
    Task<void> shutdown() override { co_return; }
    void close() noexcept override {}
    rt::Endpoint local() const override { return {"192.0.2.1", 25}; }
    rt::Endpoint remote() const override { return {"192.0.2.2", 4000}; }

  private:
    std::vector<std::string> const& head_;
    std::vector<std::string> const& round_;
    std::size_t rounds_, at_ = 0, next_ = 0;
    std::string_view pending_;
};

Task<void> one_session(ReceiverPorts& ports, ContextPtr context,
                       std::unique_ptr<rt::Stream> stream) {
    Reception reception(ports, std::move(context), std::move(stream));
    co_await reception.run();
}

Task<void> fill(directory::Directory& directory) {
    auto const domain = co_await directory.add_domain("dawk.test");
    DAWK_CHECK(domain);
    mail::Address user{"user", "dawk.test"};
    auto const added = co_await directory.add_user(user, "x");
    DAWK_CHECK(added);
}

// Every answer is in the cache.
class ReadyResolver final : public rt::Resolver {
  public:
    explicit ReadyResolver(std::string const& zone)
        : zone_(mailauth::ZoneFile::parse(zone).value()) {}
    Task<dns::Answer> query(dns::Question question, SteadyTime) override {
        co_return zone_.answer(question);
    }

  private:
    mailauth::ZoneFile zone_;
};

struct Sample {
    std::string message, zone;
};

// A message of a domain that does all it can, and what DNS says of it.
Sample make_sample(std::size_t size) {
    std::string content =
        "Received: from a.far.test (a.far.test [192.0.2.7]) by b.far.test with ESMTPS id x\r\n"
        "\tfor <user@dawk.test>; Sun, 22 Nov 2026 06:33:00 +0000\r\n"
        "From: Somebody <somebody@far.test>\r\nTo: user@dawk.test\r\nSubject: a bench\r\n"
        "Date: Sun, 22 Nov 2026 06:33:00 +0000\r\nMessage-ID: <1@far.test>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
    while (content.size() < size) content += std::string(70, 'x') + "\r\n";
    static auto const key =
        std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::rsa));
    dkim::SigningKey signing;
    signing.domain = "far.test";
    signing.selector = "s1";
    signing.key = key;
    auto const header = mail::HeaderSection::parse(content).value();
    dkim::Signer signer({signing}, header, from_millis(0));
    signer.body(std::string_view(content).substr(header.body_offset()));
    Sample out;
    out.message = signer.finish().value() + content;
    out.zone = R"({"far.test": {"TXT": ["v=spf1 ip4:198.51.100.0/24 mx -all"],
        "MX": [[10, "mx.far.test"]]}, "mx.far.test": {"A": ["192.0.2.2"]},
        "2.2.0.192.in-addr.arpa": {"PTR": ["mx.far.test"]},
        "_dmarc.far.test": {"TXT": ["v=DMARC1; p=reject"]},
        "s1._domainkey.far.test": {"TXT": [")" +
               dkim::key_record(*key) + R"("]}})";
    return out;
}

// First argument: octets of a message. Second: whether it is found out who sent it.
void Reception_Takes(benchmark::State& state) {
    sim::World world(1);
    sim::Internet internet(world);
    sim::Host host(internet, "mx.dawk.test", {"192.0.2.1"});
    auto const sample = make_sample(static_cast<std::size_t>(state.range(0)));
    ReadyResolver resolver(sample.zone);
    rt::Env const real = host.env();
    rt::Env env{real.executor, real.clock, real.rng, real.network, resolver, real.files, real.pool};
    Forgetful spool;
    directory::MemDirectory directory;
    Silence silence;
    dkim::KeyCache keys;
    rt::TaskGroup group(env.executor);
    ReceiverPorts ports{env, spool, directory, silence, silence, group, group, keys};
    group.spawn(fill(directory));
    auto settings = std::make_shared<Settings>();
    settings->hostname = "mx.dawk.test";
    settings->routing.default_deliver = "maildir:mail/{domain}/{local}";
    settings->limits.smtp.transactions = 1U << 30U;
    settings->auth.verify = state.range(1) != 0;
    auto context = std::make_shared<ListenerContext>();
    context->settings = settings;
    context->smtp.hostname = settings->hostname;
    context->smtp.limits = settings->limits.smtp;
    context->router = std::make_shared<routing::Router const>(settings->routing);
    context->auth = make_auth_context(*settings).value();
    std::vector<std::string> const head{"EHLO mx.far.test\r\n"};
    std::vector<std::string> const round{
        "MAIL FROM:<somebody@far.test> SIZE=2000\r\nRCPT TO:<user@dawk.test>\r\nDATA\r\n",
        sample.message + ".\r\n"};
    constexpr std::size_t rounds = 1000;
    for (auto _ : state) {
        group.spawn(
            one_session(ports, context, std::make_unique<ReadyStream>(head, round, rounds)));
        world.run_for(std::chrono::seconds(1));
    }
    if (silence.count != state.iterations() * rounds) state.SkipWithError("messages were refused");
    auto const messages = static_cast<std::int64_t>(silence.count);
    state.SetItemsProcessed(messages);
    state.SetBytesProcessed(messages * static_cast<std::int64_t>(sample.message.size()));
}
BENCHMARK(Reception_Takes)
    ->ArgNames({"octets", "auth"})
    ->ArgsProduct({{2 << 10, 100 << 10}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dawk::mta
