// Says who sent a message. Usage: who MESSAGE ZONE IP FROM HELO
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include <dawk/mailauth/check_message.hpp>
#include <dawk/mailauth/zone_file.hpp>

// DNS from a file; yours asks whatever resolver you have.
struct FromFile : dawk::mailauth::Resolver {
    explicit FromFile(dawk::mailauth::ZoneFile from) : zone(std::move(from)) {}
    dawk::dns::Answer look_up(dawk::dns::Question const& question) override {
        return zone.answer(question);
    }
    dawk::mailauth::ZoneFile zone;
};

static std::string read(char const* name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    auto zone = dawk::mailauth::ZoneFile::parse(read(argv[2]));
    if (!zone) {
        std::cerr << zone.error().reason << '\n';
        return 1;
    }
    FromFile resolver(std::move(*zone));
    dawk::mailauth::Client client;
    client.ip = argv[3];
    client.sender = argv[4];
    client.helo = argv[5];
    client.authserv_id = "mx.us.test";
    client.now = std::chrono::time_point_cast<dawk::Millis>(std::chrono::system_clock::now());
    auto const report = dawk::mailauth::check_message(client, read(argv[1]), resolver);
    if (!report) {
        std::cerr << report.error().message() << '\n';
        return 1;
    }
    std::cout << report->header;
    std::cout << "DMARC: " << dawk::dmarc::to_string(report->dmarc.result) << ", "
              << report->dmarc.reason << '\n';
    return 0;
}
