// who_sent_it: tells who sent a message, and the header field a mail server would add.
//
//     who_sent_it MESSAGE CLIENT-IP MAIL-FROM HELO [ZONE.json]
//
// DNS is asked as resolv.conf says, or answered from a file, which makes the answer repeatable.
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include <dawk/mailauth/check_message.hpp>
#include <dawk/mailauth/zone_file.hpp>
#include <dawk/net/blocking_resolver.hpp>

namespace {

std::string read(char const* path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Signatures are about octets: on the wire, lines end with CRLF.
std::string with_crlf(std::string const& text) {
    std::string out;
    for (char const c : text) {
        if (c == '\n' && !out.ends_with('\r')) out += '\r';
        out += c;
    }
    return out;
}

class FromNetwork final : public dawk::mailauth::Resolver {
  public:
    dawk::dns::Answer look_up(dawk::dns::Question const& question) override {
        return dns_.query(question);
    }

  private:
    dawk::net::BlockingResolver dns_;  // as resolv.conf says
};

class FromFile final : public dawk::mailauth::Resolver {
  public:
    explicit FromFile(dawk::mailauth::ZoneFile zone) : zone_(std::move(zone)) {}
    dawk::dns::Answer look_up(dawk::dns::Question const& question) override {
        return zone_.answer(question);
    }

  private:
    dawk::mailauth::ZoneFile zone_;
};

std::unique_ptr<dawk::mailauth::Resolver> make_resolver(char const* zone_file) {
    if (zone_file == nullptr) return std::make_unique<FromNetwork>();
    auto zone = dawk::mailauth::ZoneFile::parse(read(zone_file));
    if (!zone) {
        std::cerr << zone_file << ": " << zone.error().reason << '\n';
        return nullptr;
    }
    return std::make_unique<FromFile>(std::move(*zone));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::cerr << "usage: who_sent_it MESSAGE CLIENT-IP MAIL-FROM HELO [ZONE.json]\n";
        return 64;
    }
    auto const resolver = make_resolver(argc > 5 ? argv[5] : nullptr);
    if (!resolver) return 65;

    dawk::mailauth::Client client;
    client.ip = argv[2];
    client.sender = argv[3];
    client.helo = argv[4];
    client.authserv_id = "mx.example.net";  // our own name in the field
    client.now = std::chrono::time_point_cast<dawk::Millis>(std::chrono::system_clock::now());

    auto const message = with_crlf(read(argv[1]));
    auto const report = dawk::mailauth::check_message(client, message, *resolver);
    if (!report) {
        std::cerr << argv[1] << ": " << report.error().message() << '\n';
        return 65;
    }

    std::cout << "SPF:   " << to_string(report->spf.result) << " (" << report->spf.reason << ")\n";
    for (auto const& signature : report->dkim)
        std::cout << "DKIM:  " << to_string(signature.result) << " by " << signature.domain << " ("
                  << signature.reason << ")\n";
    std::cout << "DMARC: " << to_string(report->dmarc.result) << " for "
              << report->dmarc.author_domain << " (" << report->dmarc.reason << ")\n\n"
              << report->header;
    return report->dmarc.result == dawk::dmarc::Result::pass ? 0 : 1;
}
