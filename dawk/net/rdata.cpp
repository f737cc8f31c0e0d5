#include "dawk/net/rdata.hpp"

#include <array>

#include <arpa/inet.h>

#include "dawk/base/ascii.hpp"

namespace dawk::net {
namespace {

constexpr std::size_t max_name = 255;  // RFC 1035 §2.3.4
constexpr std::size_t max_label = 63;

unsigned octet(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

void append_escaped(std::string& out, char c) {
    if (c == '.' || c == '\\') {
        out += {'\\', c};
    } else if (ascii::is_print(c) && c != ' ') {
        out += ascii::lower(c);
    } else {  // RFC 1035 §5.1: \DDD
        unsigned const value = static_cast<unsigned char>(c);
        for (unsigned unit : {100U, 10U, 1U}) {
            if (unit == 100U) out += '\\';
            out += static_cast<char>('0' + value / unit % 10);
        }
    }
}

bool add_address(int family, std::size_t size, std::string_view data, dns::Answer& answer) {
    if (data.size() != size) return false;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(family, data.data(), text.data(), text.size()) == nullptr) return false;
    answer.addresses.emplace_back(text.data());
    return true;
}

bool add_mx(std::string_view data, dns::Answer& answer) {
    if (data.size() < 3) return false;
    auto const preference = static_cast<std::uint16_t>(octet(data, 0) << 8 | octet(data, 1));
    data.remove_prefix(2);
    auto exchange = take_name(data);
    if (!exchange || !data.empty()) return false;
    answer.mx.push_back({preference, std::move(*exchange)});
    return true;
}

bool add_text(std::string_view data, dns::Answer& answer) {
    if (data.empty()) return false;
    std::string joined;
    while (!data.empty()) {
        std::size_t const size = octet(data, 0);
        if (data.size() < size + 1) return false;
        joined += data.substr(1, size);
        data.remove_prefix(size + 1);
    }
    answer.texts.push_back(std::move(joined));
    return true;
}

bool add_tlsa(std::string_view data, dns::Answer& answer) {
    if (data.size() < 4) return false;
    auto const field = [&](std::size_t at) { return static_cast<std::uint8_t>(octet(data, at)); };
    answer.tlsa.push_back({field(0), field(1), field(2), std::string(data.substr(3))});
    return true;
}

bool add_name(std::string_view data, dns::Answer& answer) {
    auto name = take_name(data);
    if (!name || !data.empty()) return false;
    answer.names.push_back(std::move(*name));
    return true;
}

}  // namespace

std::optional<std::string> take_name(std::string_view& bytes) {
    std::string name;
    std::size_t used = 0;
    for (;;) {
        if (used >= bytes.size() || used >= max_name) return std::nullopt;
        std::size_t const size = octet(bytes, used++);
        if (size == 0) break;
        if (size > max_label || size > bytes.size() - used) return std::nullopt;
        if (used + size >= max_name) return std::nullopt;
        if (!name.empty()) name += '.';
        for (char const c : bytes.substr(used, size)) append_escaped(name, c);
        used += size;
    }
    bytes.remove_prefix(used);
    return name;
}

bool decode_record(dns::Type type, std::string_view data, dns::Answer& answer) {
    switch (type) {
        case dns::Type::a:
            return add_address(AF_INET, 4, data, answer);
        case dns::Type::aaaa:
            return add_address(AF_INET6, 16, data, answer);
        case dns::Type::mx:
            return add_mx(data, answer);
        case dns::Type::txt:
            return add_text(data, answer);
        case dns::Type::tlsa:
            return add_tlsa(data, answer);
        case dns::Type::ptr:
        case dns::Type::cname:
        case dns::Type::ns:
            return add_name(data, answer);
        case dns::Type::soa:
            return false;  // nobody here asks for it
    }
    return false;
}

}  // namespace dawk::net
