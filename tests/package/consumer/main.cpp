// Holds a conversation with the library's SMTP server session, without any input or output of its
// own.
#include <iostream>
#include <string_view>

#include <dawk/mail/address.hpp>
#include <dawk/smtp/server_session.hpp>

int main() {
    dawk::smtp::ServerConfig config;
    config.hostname = "library.test";
    dawk::smtp::ServerSession session(config, false);
    session.start();
    for (std::string_view input : {"EHLO outside.test\r\n", "QUIT\r\n"}) {
        while (!input.empty()) input.remove_prefix(session.feed(input));
        std::cout << session.output();
        session.output().clear();
    }
    return session.want() == dawk::smtp::Want::close ? 0 : 1;
}
