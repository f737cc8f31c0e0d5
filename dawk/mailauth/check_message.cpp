#include "dawk/mailauth/check_message.hpp"

namespace dawk::mailauth {

Result<Report> check_message(Client client, std::string_view message, Resolver& resolver) {
    DAWK_TRY(auto const header, mail::HeaderSection::parse(message));
    Checker checker(std::move(client), header);
    checker.body(message.substr(static_cast<std::size_t>(header.body_offset())));
    return dns::run(checker.finish(),
                    [&](dns::Question const& question) { return resolver.look_up(question); });
}

}  // namespace dawk::mailauth
