-- The embedded sample: United States airports, the routes flown between them and
-- the wildlife that aircraft struck. Four related tables; sources and licences are
-- in README.md beside this file.

CREATE TABLE states (
  -- The fifty states, the District of Columbia and five territories.
  code TEXT PRIMARY KEY NOT NULL CHECK (length(code) = 2), -- postal code such as 'CA'; 'CQ' is the FAA's code for the Northern Mariana Islands
  name TEXT NOT NULL UNIQUE,                               -- full name, such as 'California'
  kind TEXT NOT NULL CHECK (kind IN ('state', 'district', 'territory')),
  capital TEXT,                                            -- capital city; only states have one here
  capital_latitude REAL,                                   -- degrees north of the capitol building
  capital_longitude REAL                                   -- degrees east; negative is west
) WITHOUT ROWID;

CREATE TABLE airports (
  -- Airports and airfields, from large hubs to municipal strips.
  iata TEXT PRIMARY KEY NOT NULL,           -- location identifier, such as 'SFO' or '00M'
  name TEXT NOT NULL,                       -- such as 'San Francisco International'
  city TEXT,                                -- NULL where the source has none
  state_code TEXT REFERENCES states (code), -- NULL for 12 fields without a state in the source
  country TEXT NOT NULL,                    -- 'USA' for all but four
  latitude REAL NOT NULL CHECK (latitude BETWEEN -90 AND 90),     -- degrees north
  longitude REAL NOT NULL CHECK (longitude BETWEEN -180 AND 180)  -- degrees east; negative is west
) WITHOUT ROWID;

CREATE TABLE routes (
  -- Scheduled flights in the year 2008, one row for each direction of a route.
  origin TEXT NOT NULL REFERENCES airports (iata),
  destination TEXT NOT NULL REFERENCES airports (iata),
  flights INTEGER NOT NULL CHECK (flights > 0), -- flights flown in 2008
  PRIMARY KEY (origin, destination)
) WITHOUT ROWID;

CREATE TABLE wildlife_strikes (
  -- Reported strikes of birds and other animals, 1990 to 2002: every ninth report of the source.
  id INTEGER PRIMARY KEY,
  flight_date TEXT NOT NULL,                -- ISO date, such as '1997-05-04'
  state_code TEXT REFERENCES states (code), -- the state where the flight began
  airport_name TEXT NOT NULL,               -- as reported, in capitals; not a key into airports
  operator TEXT NOT NULL,                   -- airline, 'MILITARY' or 'BUSINESS' and similar
  aircraft TEXT NOT NULL,                   -- make and model
  phase_of_flight TEXT NOT NULL,            -- 'Approach', 'Climb', 'Take-off run', ...
  species TEXT NOT NULL,
  wildlife_size TEXT NOT NULL,              -- 'Small', 'Medium' or 'Large'
  time_of_day TEXT NOT NULL,                -- 'Day', 'Night', 'Dusk' or 'Dawn'
  damage TEXT NOT NULL,                     -- 'None', 'Minor', 'Medium', 'Substantial'; a few 'B' or 'C'
  cost_usd INTEGER NOT NULL,                -- repair and other cost together, US dollars
  speed_knots INTEGER                       -- indicated air speed; NULL where it was not reported
);

CREATE INDEX airports_by_state ON airports (state_code);
CREATE INDEX routes_by_destination ON routes (destination);
CREATE INDEX wildlife_strikes_by_date ON wildlife_strikes (flight_date);

-- Flights that left and reached each airport in 2008, both directions counted.
CREATE VIEW airport_traffic AS
  SELECT a.iata, a.name, a.state_code,
         coalesce((SELECT sum(flights) FROM routes WHERE origin = a.iata), 0) AS departures,
         coalesce((SELECT sum(flights) FROM routes WHERE destination = a.iata), 0) AS arrivals
  FROM airports AS a;
