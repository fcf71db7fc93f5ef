/** What `flotilla-agent --help` prints. */
export const HELP = `flotilla-agent: runs the applications of one device and tells its server the truth about them

  Make this machine a device, then keep it one (the installed service does the second):
    flotilla-agent enrol --server https://fleet.example --token flp_…
    flotilla-agent run

  Look at the device, with or without a connection to the server:
    flotilla-agent status                 what should run, what runs, since when
    flotilla-agent logs                   the last lines of every container of ours
    flotilla-agent logs shop/web -n 500   … of one service
    flotilla-agent doctor                 checks engine, disk, clock, server; says what to do

commands
  run      [--config FILE]
  enrol    --server URL --token TOKEN [--name NAME] [--state-dir DIR] [--engine ADDRESS] [--again] [--json]
           Does nothing when the machine is enrolled there already; --again makes a new key and a new device.
  status   [--json]
  logs     [APP[/SERVICE]] [--lines N] [--json]
  doctor   [--json]
  version  [--json]

files
  /etc/flotilla/agent.json    configuration, written by enrol (--config, FLOTILLA_AGENT_CONFIG)
  /var/lib/flotilla           key, journal, downloaded layers (--state-dir of enrol, FLOTILLA_AGENT_STATE_DIR)

environment
  FLOTILLA_AGENT_TOKEN        provisioning token for enrol, so that it is in no process list
  FLOTILLA_AGENT_SERVER       with a token: "run" enrols first when it must (for containers); FLOTILLA_AGENT_NAME names the device
  FLOTILLA_AGENT_CA_FILE      PEM certificates trusted beside the built-in ones (not used where a CA is pinned)
  FLOTILLA_AGENT_LOG_LEVEL    debug, info, warn or error
  HTTP_PROXY, HTTPS_PROXY, NO_PROXY
  DOCKER_HOST                 engine to enrol with: unix:///var/run/docker.sock, tcp://127.0.0.1:2375

exit codes
  0 good   1 something is wrong, and was said   2 the command was not understood
`;
