import type { InventoryCase } from "../contract.cases.ts";

const lock = `GIT
  remote: https://example.com/forked.git
  revision: abc
  specs:
    forked (1.0.0)
      rack (>= 2)

PATH
  remote: .
  specs:
    mine (0.1.0)

GEM
  remote: https://example.com/
  specs:
    nokogiri (1.16.0)
      racc (~> 1.4)
    nokogiri (1.16.0-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.3)
    rack (3.0.8.rc1)
    bad line
    ../evil (1.0)

PLATFORMS
  ruby
  x86_64-linux

DEPENDENCIES
  forked!
  nokogiri (~> 1.16)

CHECKSUMS
  racc (1.7.3) sha256=abc

BUNDLED WITH
   2.4.10
`;

const specification = `# -*- encoding: utf-8 -*-
# stub: rack 3.0.8 ruby lib

Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "3.0.8"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze)
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.summary = "s.name = 'not this'".freeze
end
`;

export const cases: readonly InventoryCase[] = [
  {
    name: "Gemfile.lock: platforms, git, folders",
    path: "Gemfile.lock",
    content: lock,
    packages: [
      "pkg:gem/nokogiri@1.16.0 direct line:16",
      "pkg:gem/racc@1.7.3 indirect line:20 by:nokogiri@1.16.0",
      "pkg:gem/rack@3.0.8.rc1 indirect line:21",
    ],
    problems: ["malformed: 2 that cannot be read: line 22, ../evil", "no-version: 2 from a URL or a folder"],
  },
  {
    name: "an installed gem",
    path: "usr/local/bundle/specifications/rack-3.0.8.gemspec",
    content: specification,
    packages: ["pkg:gem/rack@3.0.8 installed licence:MIT OR Ruby"],
  },
  {
    name: "a gem that comes with Ruby",
    path: "usr/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec",
    content: 'Gem::Specification.new do |s|\n  s.name = "json"\n  s.version = Gem::Version.new("2.6.3")\n',
    packages: ["pkg:gem/json@2.6.3 installed"],
  },
  {
    name: "a specification without a version",
    path: "specifications/x.gemspec",
    content: 's.name = "x"\n',
    packages: [],
    problems: ["malformed: a specification"],
  },
  { name: "a gem's own source is not installed", path: "x/x.gemspec", content: specification, packages: [] },
];
