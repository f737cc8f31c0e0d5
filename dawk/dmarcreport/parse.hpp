// Reads a DMARC aggregate report, of the schema of RFC 9990 or any of those before it, as they are
// met in the wild: with and without namespace, elements in any order, dates with fractions, words
// in capitals, parts left out.
//
//     dmarcreport::Parser parser;
//     while (more) if (!parser.feed(piece)) break;
//     auto report = parser.finish();            // or a Refusal with the reason
//
// Streaming: memory is bounded by the limits, whatever is fed. A document type declaration is
// refused, so that there are no entities to expand and nothing is fetched; unknown elements are
// passed over (RFC 9990 §5). Standards: RFC 9990 §3.1, appendix A; RFC 7489 appendix C; XML 1.0.
#pragma once

#include <memory>
#include <string_view>

#include "dawk/dmarcreport/refusal.hpp"
#include "dawk/dmarcreport/report.hpp"

namespace dawk::dmarcreport {

struct ParseLimits {
    std::size_t xml_bytes = 64U << 20U;
    std::size_t rows = 100'000;
    std::size_t depth = 32;         // of elements
    std::size_t text_bytes = 1000;  // of one value; longer ones are cut
    std::size_t results = 100;      // DKIM results of a row, likewise (RFC 9990 §3.1.3)
};

class Parser {
  public:
    explicit Parser(ParseLimits limits = {});
    ~Parser();
    Parser(Parser&&) noexcept;
    Parser& operator=(Parser&&) noexcept;

    bool feed(std::string_view piece);  // false: it is refused, nothing more is needed
    Outcome<Report> finish();           // call once

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// A whole document.
Outcome<Report> parse_xml(std::string_view xml, ParseLimits limits = {});

}  // namespace dawk::dmarcreport
